/** How agents come in: {@link dev.warren.gateway.tunnel.TunnelAcceptor}, at {@code /connect}. */
package dev.warren.gateway.tunnel;
