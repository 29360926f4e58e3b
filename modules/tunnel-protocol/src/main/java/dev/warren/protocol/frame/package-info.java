/**
 * What travels: {@link dev.warren.protocol.frame.Frame} and its forms on the wire. Start at {@link
 * dev.warren.protocol.frame.FrameReader}, which cuts bytes into frames, and {@link
 * dev.warren.protocol.frame.FrameCodec}, which gives them meaning. The classes that protoc
 * generates stop here.
 */
package dev.warren.protocol.frame;
