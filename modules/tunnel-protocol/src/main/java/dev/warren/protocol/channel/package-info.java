/**
 * The thin Netty shells around the protocol. A tunnel's pipeline is {@link
 * dev.warren.protocol.channel.Tunnels#install}: {@link
 * dev.warren.protocol.channel.WebSocketReader}, the WebSocket encoder of Netty, {@link
 * dev.warren.protocol.channel.WebSocketBytes}, and {@link
 * dev.warren.protocol.channel.TunnelHandler}, which runs a Mux. A stream's end is a Netty channel
 * of its own ({@link dev.warren.protocol.channel.StreamChannel}) or a TCP connection on the
 * tunnel's own event loop ({@link dev.warren.protocol.channel.StreamBridge}); one that passes
 * through goes over a {@link dev.warren.protocol.channel.RelayBridge}. They decide nothing that the
 * Mux could decide.
 *
 * <p>Ownership of buffers: whoever is handed a {@link io.netty.buffer.ByteBuf} releases it or hands
 * it on; a method that only lends says so.
 */
package dev.warren.protocol.channel;
