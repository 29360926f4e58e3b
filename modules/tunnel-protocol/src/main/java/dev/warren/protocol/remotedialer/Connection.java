package dev.warren.protocol.remotedialer;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.flow.ByteQueue;
import dev.warren.protocol.mux.MuxStream;
import dev.warren.protocol.mux.StreamEnd;
import io.netty.buffer.ByteBuf;
import java.time.Duration;
import java.util.Locale;

/**
 * One connection of remotedialer and the native stream that it is (REMOTEDIALER.md, section 3).
 *
 * <p>Towards the wire, credit is given back for what went to the WebSocket; while the far side has
 * said PAUSE, nothing does, so at most the stream's window waits. From the wire, what the stream
 * does not take waits here: PAUSE is sent at {@value #PAUSE_BYTES} bytes, RESUME below {@value
 * #RESUME_BYTES}, and beyond {@value #MOST_BYTES}, or what the node's budget bears, the connection
 * ends.
 */
final class Connection implements StreamEnd {
  /** So much waits for a slow reader when the far side is asked to stop ... */
  static final int PAUSE_BYTES = 512 * 1024;

  /** ... below this it is asked to go on ... */
  static final int RESUME_BYTES = 128 * 1024;

  /** ... and this is the room for what was under way, and for one that does not stop. */
  static final int MOST_BYTES = 16 * 1024 * 1024;

  /** So much lies in the stream's own queue at most. */
  static final int IN_STREAM_BYTES = 128 * 1024;

  /** In such steps room is taken from the node's budget. */
  private static final int RESERVE_BYTES = 64 * 1024;

  /**
   * How long the end of one direction is held back, counted from the last byte of the other: the
   * wire has no half close, and what comes behind its ERROR is lost.
   */
  static final Duration HOLD_END = Duration.ofSeconds(10);

  /** After our ERROR, so long nothing must come before the stream ends too ... */
  static final Duration QUIET = Duration.ofSeconds(1);

  /** ... and so long is waited for that at most; and for a caller that goes on sending. */
  static final Duration LINGER = Duration.ofSeconds(10);

  final long id;
  boolean waits; // in the line for the WebSocket; the session's

  private final Interpreter session;
  private final ByteQueue toWire = new ByteQueue();
  private final ByteQueue fromWire = new ByteQueue();
  private final long since;
  private MuxStream stream; // null until attached
  private boolean open; // the stream was answered
  private boolean gone;
  private boolean heard; // the far side has said something about it

  private boolean paused; // by the far side
  private boolean pauseSent;
  private int inStream;
  private long reserved;
  private boolean arrived; // any byte from the wire

  private boolean finished; // the native side sends no more
  private boolean holding;
  private boolean endSent;
  private long endSentAt;
  private String end; // the far side's last word, or null
  private long endAt;
  private boolean finishGiven;
  private long deadline;
  private long missingSince;
  private boolean missing;

  Connection(Interpreter session, long id) {
    this.session = session;
    this.id = id;
    this.since = session.now();
  }

  void attach(MuxStream accepted) {
    stream = accepted;
  }

  private boolean dialling() {
    return session.role() == Interpreter.Role.DIALLING;
  }

  // ---- the answer to CONNECT, which the wire does not have ----

  boolean awaitsGrace() {
    return !open && !gone;
  }

  /** Nothing bad was heard for long enough, or DATA came. Says whether the stream is open. */
  boolean accepted() {
    if (open || gone) {
      return open && !gone;
    }
    if (!stream.opened(session.now())) { // no budget: the caller was told, or has gone
      session.sendError(id, "overloaded");
      forget();
      return false;
    }
    open = true;
    return true;
  }

  @Override
  public void opened() {
    open = true;
  }

  @Override
  public void refused(FaultCode code, String detail, int retryAfterMillis) {
    if (end == null) {
      session.sendError(id, detail);
    }
    forget();
  }

  // ---- from the native side to the wire ----

  @Override
  public void data(ByteBuf bytes) {
    int length = bytes.readableBytes();
    if (end != null || endSent) { // nobody takes it any more
      bytes.release();
      stream.consumed(length, session.now());
      if (end != null && session.now() - endAt >= LINGER.toNanos()) {
        stream.reset(FaultCode.TARGET_RESET, "the target has closed the connection");
        forget();
      }
      return;
    }
    if (!paused && toWire.isEmpty() && session.wire().isWritable()) {
      session.sendData(id, bytes);
      stream.consumed(length, session.now());
      return;
    }
    toWire.add(session.wire().allocator(), bytes);
    if (!paused) {
      session.waits(this);
    }
  }

  /**
   * Sends what has waited.
   *
   * @return whether more waits for the WebSocket
   */
  boolean sendWaiting(int quantum) {
    for (int left = quantum; left > 0 && !paused && !toWire.isEmpty(); ) {
      if (!session.wire().isWritable()) {
        return true;
      }
      ByteBuf piece = toWire.poll();
      int length = piece.readableBytes();
      left -= length;
      session.sendData(id, piece);
      stream.consumed(length, session.now());
    }
    if (toWire.isEmpty() && finished) {
      allSent();
    }
    return !gone && !paused && !toWire.isEmpty();
  }

  @Override
  public void finished() {
    finished = true;
    if (toWire.isEmpty()) {
      allSent();
    }
  }

  /**
   * All that the native side will ever send went out. At a gateway the caller may still wait for
   * the answer, so the end is held back while one comes. At an agent it is the target that has
   * ended, and whoever dialled waits for just that.
   */
  private void allSent() {
    if (end != null || endSent || holding) {
      return;
    }
    if (dialling()) {
      holding = true;
      deadline = session.now() + HOLD_END.toNanos();
    } else {
      sendEnd();
    }
    session.leaves(this);
  }

  private void sendEnd() {
    holding = false;
    endSent = true;
    endSentAt = session.now();
    deadline = session.now() + QUIET.toNanos();
    session.sendError(id, Messages.EOF);
  }

  @Override
  public void reset(FaultCode code, String detail) {
    if (gone) {
      return;
    }
    if (end == null && !endSent && !session.mux().isOver()) {
      session.sendError(id, detail.isEmpty() ? code.toString() : detail);
    }
    forget();
  }

  void pause() {
    heard = true;
    paused = true;
  }

  void resume() {
    heard = true;
    paused = false;
    if (!toWire.isEmpty()) {
      if (!sendWaiting(RESERVE_BYTES)) {
        return;
      }
      session.waits(this);
    }
  }

  // ---- from the wire to the native side ----

  boolean takesData() {
    return end == null;
  }

  void received(ByteBuf bytes) {
    heard = true;
    arrived = true;
    if (holding) {
      deadline = session.now() + HOLD_END.toNanos();
    } else if (endSent) {
      deadline = session.now() + QUIET.toNanos();
    }
    if (dialling() && !accepted()) {
      bytes.release();
      return;
    }
    int length = bytes.readableBytes();
    if (fromWire.isEmpty() && inStream < IN_STREAM_BYTES) {
      inStream += length;
      stream.write(bytes);
      return;
    }
    if (!reserve(fromWire.bytes() + length)) {
      bytes.release();
      breakOff(
          FaultCode.OVERLOADED, fromWire.bytes() + " bytes wait for a slow reader, and more come");
      return;
    }
    fromWire.add(session.wire().allocator(), bytes);
    if (fromWire.bytes() >= PAUSE_BYTES && !pauseSent && !endSent) {
      pauseSent = true;
      session.send(id, MessageType.PAUSE);
    }
  }

  private boolean reserve(long wanted) {
    if (wanted <= reserved) {
      return true;
    }
    long more = Math.max(RESERVE_BYTES, wanted - reserved);
    if (wanted > MOST_BYTES || !session.budget().tryReserve(more)) {
      return false;
    }
    reserved += more;
    return true;
  }

  @Override
  public void sent(int bytes) {
    inStream -= bytes;
    feed();
  }

  private void feed() {
    while (!gone && inStream < IN_STREAM_BYTES && !fromWire.isEmpty()) {
      ByteBuf piece = fromWire.poll();
      inStream += piece.readableBytes();
      stream.write(piece);
    }
    if (reserved > 2L * fromWire.bytes() + RESERVE_BYTES || fromWire.isEmpty()) {
      session.budget().release(reserved - fromWire.bytes());
      reserved = fromWire.bytes();
    }
    if (pauseSent && fromWire.bytes() < RESUME_BYTES && end == null && !endSent) {
      pauseSent = false;
      session.send(id, MessageType.RESUME);
    }
    if (end != null) {
      passEnd();
    }
  }

  @Override
  public void burstEnded() {}

  /** The far side's last word: with it both directions are over on the wire. */
  void ended(String text) {
    if (end != null) {
      return;
    }
    heard = true;
    boolean orderly = text.equals(Messages.EOF);
    if (!open && !orderly) {
      end = text;
      if (dialling()) {
        stream.refuse(codeOf(text), text);
      } else {
        stream.reset(FaultCode.CANCELLED, text);
      }
      forget();
      return;
    }
    if (dialling() && !accepted()) { // it accepted and closed at once
      return;
    }
    end = text;
    endAt = session.now();
    holding = false;
    int dropped = toWire.bytes();
    toWire.release();
    if (dropped > 0) {
      stream.consumed(dropped, session.now());
    }
    session.leaves(this);
    passEnd();
  }

  /** Behind the last byte. */
  private void passEnd() {
    if (finishGiven || !fromWire.isEmpty()) {
      return;
    }
    if (end.equals(Messages.EOF)) {
      finishGiven = true;
      stream.finish();
    } else if (inStream == 0) {
      stream.reset(FaultCode.TARGET_RESET, end);
      forget();
    }
  }

  /** Ends both sides: the far one broke a rule, or sends more than fits. */
  void breakOff(FaultCode code, String detail) {
    if (end == null && !endSent) {
      session.sendError(id, detail);
    }
    stream.reset(code, detail);
    forget();
  }

  // ---- time ----

  /** Whether the far side may still count on it. */
  boolean isAlive() {
    return !endSent && end == null;
  }

  /** Whether the client has named it among its connections. */
  void listed(boolean named) {
    if (named) {
      heard = true;
      missing = false;
    } else if (!missing
        && isAlive()
        && (heard || session.now() - since >= Interpreter.UNHEARD.toNanos())) {
      missing = true;
      missingSince = session.now();
      session.leaves(this);
    }
  }

  /** Looks whether something is due; with each tick while it is about to go. */
  void leave(long now) {
    if (stream.isOver()) {
      if (end == null && !endSent) {
        session.sendError(id, Messages.EOF);
      }
      forget();
    } else if (missing && end == null && now - missingSince >= Interpreter.MISSING.toNanos()) {
      stream.reset(FaultCode.TUNNEL_LOST, "the client has the connection no more");
      forget();
    } else if (holding && now - deadline >= 0) {
      sendEnd();
    } else if (endSent
        && end == null
        && !finishGiven
        && fromWire.isEmpty()
        && (now - deadline >= 0 || now - endSentAt >= LINGER.toNanos())) {
      finishGiven = true;
      if (dialling() && arrived) {
        // Part of an answer had come, and nobody knows whether it was all.
        stream.reset(FaultCode.STALLED, "no answer came while its end was awaited");
        forget();
      } else {
        stream.finish();
      }
    }
  }

  private void forget() {
    if (!gone) {
      release();
      session.forget(this);
    }
  }

  /** Gives back what it holds. */
  void release() {
    gone = true;
    toWire.release();
    fromWire.release();
    session.budget().release(reserved);
    reserved = 0;
  }

  int waitingBytes() {
    return fromWire.bytes() + inStream;
  }

  /** What the text of a Go program's failed dial means. */
  private static FaultCode codeOf(String text) {
    String lower = text.toLowerCase(Locale.ROOT);
    if (lower.contains("no such host") || lower.contains("server misbehaving")) {
      return FaultCode.TARGET_UNKNOWN;
    } else if (lower.contains("timeout")
        || lower.contains("timed out")
        || lower.contains("deadline exceeded")) {
      return FaultCode.TARGET_TIMEOUT;
    } else if (lower.contains("unreachable") || lower.contains("no route to host")) {
      return FaultCode.TARGET_UNREACHABLE;
    } else if (lower.contains("not allowed")
        || lower.contains("denied")
        || lower.contains("forbid")) {
      return FaultCode.FORBIDDEN;
    }
    return FaultCode.TARGET_REFUSED;
  }
}
