/**
 * Who may attach, dial or administer. Start at {@link dev.warren.gateway.access.Authorizer}, the
 * one place where a way of proving who one is plugs in. Nothing here answers a request: whoever
 * asked renders the decision.
 */
package dev.warren.gateway.access;
