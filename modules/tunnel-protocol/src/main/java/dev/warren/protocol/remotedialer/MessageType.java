package dev.warren.protocol.remotedialer;

/** What a message says (REMOTEDIALER.md, section 2). The numbers stand on the wire. */
public enum MessageType {
  DATA(1),
  CONNECT(2),
  ERROR(3),
  ADD_CLIENT(4),
  REMOVE_CLIENT(5),
  PAUSE(6),
  RESUME(7),
  SYNC_CONNECTIONS(8);

  private final int number;

  MessageType(int number) {
    this.number = number;
  }

  public int number() {
    return number;
  }

  /** Whether a deadline stands before the body. */
  boolean hasDeadline() {
    return this == DATA || this == CONNECT;
  }

  /** The type of this number, or null. */
  static MessageType of(long number) {
    return number >= 1 && number <= values().length ? values()[(int) number - 1] : null;
  }
}
