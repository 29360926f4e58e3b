/**
 * Active checks: whether targets behind agents answer, asked again and again through the tunnels.
 * Start at {@link dev.warren.gateway.check.Checker}. What was found, and how all gateways learn of
 * it, is the business of dev.warren.peer.check.
 */
package dev.warren.gateway.check;
