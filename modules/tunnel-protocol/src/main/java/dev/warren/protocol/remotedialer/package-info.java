/**
 * The wire of rancher/remotedialer, so that its stock clients and servers work with ours. Start at
 * {@link dev.warren.protocol.remotedialer.Interpreter}: on one side it plays the other end of a
 * native tunnel, on the other it speaks remotedialer's messages. Pure, as the multiplexer is: no
 * socket, thread or clock. The rules are in REMOTEDIALER.md, beside PROTOCOL.md.
 */
package dev.warren.protocol.remotedialer;
