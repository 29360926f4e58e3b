package dev.warren.protocol.channel;

import java.net.SocketAddress;

/** The address of a stream's end, for logs. */
public final class StreamAddress extends SocketAddress {
  private static final long serialVersionUID = 1L;

  private final String text;

  public StreamAddress(String text) {
    this.text = text;
  }

  @Override
  public String toString() {
    return text;
  }
}
