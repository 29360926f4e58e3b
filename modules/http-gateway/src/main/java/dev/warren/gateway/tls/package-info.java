/**
 * TLS on the gateway's listener. Start at {@link dev.warren.gateway.tls.ServerTls}. What is spoken
 * inside TLS is nobody's business here.
 */
package dev.warren.gateway.tls;
