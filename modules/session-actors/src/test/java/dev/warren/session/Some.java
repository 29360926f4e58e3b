package dev.warren.session;

import dev.warren.protocol.Incarnation;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;

/** What the tests speak of. */
final class Some {
  static final SessionKey PRINTER = SessionKey.of("printer-7");

  private Some() {}

  /** The present life of gateway {@code g1}, {@code g2} and so on. */
  static Incarnation life(int gateway) {
    return new Incarnation(0x1111_2222_3333_4444L, gateway);
  }

  static StreamId instance(int number) {
    return new StreamId(0x8888_7777_6666_5555L, number);
  }

  /** A tunnel of the first instance, whose epoch is 1. */
  static TunnelReport tunnel(int gateway, long connection) {
    return tunnel(gateway, 1, connection);
  }

  /** A tunnel of an instance whose epoch is its number. */
  static TunnelReport tunnel(int gateway, int instance, long connection) {
    return new TunnelReport(
        "g" + gateway,
        life(gateway),
        instance(instance),
        connection,
        instance,
        7,
        1_700_000_000_000L + connection,
        "192.0.2.9:4711",
        "warren-agent 0.1.0",
        "edge");
  }
}
