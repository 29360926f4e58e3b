package dev.warren.protocol.flow;

/** How far the peer lets us send on one stream, as absolute offsets (PROTOCOL.md, section 5). */
public final class SendWindow {
  private long sent;
  private long limit;

  public SendWindow(long limit) {
    this.limit = limit;
  }

  /** A late or repeated CREDIT does no harm: the limit only grows. Says whether it grew. */
  public boolean raiseTo(long newLimit) {
    if (newLimit <= limit) {
      return false;
    }
    limit = newLimit;
    return true;
  }

  /** How many of {@code wanted} bytes may go now. */
  public int room(int wanted) {
    return (int) Math.min(wanted, limit - sent);
  }

  public boolean isOpen() {
    return sent < limit;
  }

  /**
   * Counts bytes that go out.
   *
   * @throws IllegalStateException beyond the limit: a bug of ours
   */
  public void spend(int bytes) {
    if (bytes > limit - sent) {
      throw new IllegalStateException(
          bytes + " bytes at offset " + sent + " (limit: " + limit + ")");
    }
    sent += bytes;
  }

  public long sent() {
    return sent;
  }

  public long limit() {
    return limit;
  }
}
