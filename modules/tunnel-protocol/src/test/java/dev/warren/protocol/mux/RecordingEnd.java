package dev.warren.protocol.mux;

import dev.warren.protocol.FaultCode;
import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.List;

/** An end that keeps what it was told, and consumes at once unless told otherwise. */
final class RecordingEnd implements StreamEnd {
  private final Conversation conversation;
  private final List<String> heard = new ArrayList<>();
  MuxStream stream;
  boolean consumes = true;
  long received;
  long sent;
  private boolean last;

  RecordingEnd(Conversation conversation) {
    this.conversation = conversation;
  }

  private void hear(String what) {
    if (last) {
      throw new AssertionError(what + " after the end was told its last word: " + heard);
    }
    heard.add(what);
  }

  @Override
  public void opened() {
    hear("opened");
  }

  @Override
  public void refused(FaultCode code, String detail, int retryAfterMillis) {
    hear("refused " + code);
    last = true;
  }

  @Override
  public void data(ByteBuf bytes) {
    hear("data " + bytes.readableBytes());
    int length = bytes.readableBytes();
    received += length;
    bytes.release();
    if (consumes) {
      stream.consumed(length, conversation.now);
    }
  }

  @Override
  public void finished() {
    hear("finished");
  }

  @Override
  public void reset(FaultCode code, String detail) {
    hear("reset " + code + ": " + detail);
    last = true;
  }

  @Override
  public void sent(int bytes) {
    if (last) {
      throw new AssertionError("sent after the end was told its last word: " + heard);
    }
    sent += bytes;
  }

  @Override
  public void burstEnded() {
    // nothing to flush
  }

  /** What it was told since the last call. */
  List<String> heard() {
    List<String> all = List.copyOf(heard);
    heard.clear();
    return all;
  }
}
