/**
 * Where a connection really comes from: through balancers that speak the PROXY protocol ({@link
 * dev.warren.gateway.net.RemoteAddress}) and through HTTP proxies that are trusted ({@link
 * dev.warren.gateway.net.TrustedProxies}). Nothing here knows what the connection is used for.
 */
package dev.warren.gateway.net;
