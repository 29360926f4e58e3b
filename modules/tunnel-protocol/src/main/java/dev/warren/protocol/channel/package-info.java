/**
 * The thin Netty shells around the protocol: a tunnel's handler, and a stream as a Netty channel.
 * They decide nothing: the multiplexer does.
 */
package dev.warren.protocol.channel;
