/**
 * What an agent lets callers reach: {@link dev.warren.agent.rules.AllowRules}, read from {@code
 * --allow} and judged on the address that is really dialled. Start there.
 *
 * <p>Nothing here resolves a name or opens a socket. {@link dev.warren.agent.net.HostText} says
 * what a caller's host is (an address, a name, or neither), so that no odd spelling of an address
 * reaches a resolver.
 */
package dev.warren.agent.rules;
