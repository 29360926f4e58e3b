/**
 * A gateway as a whole: {@link dev.warren.gateway.Gateway} starts and stops it, {@link
 * dev.warren.gateway.GatewaySettings} is what it is told. What callers speak is in {@code http},
 * agents' tunnels in {@code tunnel}, what joins the two in {@code dial}, who may do what in {@code
 * access}.
 */
package dev.warren.gateway;
