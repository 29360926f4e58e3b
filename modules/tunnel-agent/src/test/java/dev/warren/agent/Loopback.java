package dev.warren.agent;

import dev.warren.agent.net.HostText;
import java.net.InetSocketAddress;

/** Addresses of this machine, made without asking anybody for a name. */
public final class Loopback {
  private Loopback() {}

  /** An address as text, and a port. */
  public static InetSocketAddress at(String address, int port) {
    return new InetSocketAddress(((HostText.Address) HostText.of(address)).address(), port);
  }

  /** 127.0.0.1, and any port that is free. */
  public static InetSocketAddress anyPort() {
    return at("127.0.0.1", 0);
  }
}
