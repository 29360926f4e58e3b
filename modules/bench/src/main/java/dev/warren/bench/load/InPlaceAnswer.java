package dev.warren.bench.load;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.channel.TunnelHandler;
import dev.warren.protocol.mux.MuxStream;
import dev.warren.protocol.mux.Opening;
import dev.warren.protocol.mux.StreamEnd;
import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The end of a stream whose target would be an HTTP server: each request without a body has its
 * answer of 1 KiB, and no target is dialled.
 */
final class InPlaceAnswer implements StreamEnd {
  static final int BODY_BYTES = 1_024;

  private static final byte[] END_OF_HEAD = "\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] ANSWER = answer();

  private final TunnelHandler tunnel;
  private MuxStream stream;
  private int matched; // of END_OF_HEAD

  private InPlaceAnswer(TunnelHandler tunnel) {
    this.tunnel = tunnel;
  }

  private static byte[] answer() {
    byte[] head =
        ("HTTP/1.1 200 OK\r\nContent-Length: " + BODY_BYTES + "\r\n\r\n")
            .getBytes(StandardCharsets.US_ASCII);
    byte[] all = Arrays.copyOf(head, head.length + BODY_BYTES);
    Arrays.fill(all, head.length, all.length, (byte) 'x');
    return all;
  }

  static void accept(Opening opening, TunnelHandler tunnel) {
    InPlaceAnswer end = new InPlaceAnswer(tunnel);
    end.stream = opening.accept(end);
    end.stream.opened(System.nanoTime());
    tunnel.sendSoon();
  }

  @Override
  public void opened() {
    throw new IllegalStateException("an agent opens no streams");
  }

  @Override
  public void refused(FaultCode code, String detail, int retryAfterMillis) {
    throw new IllegalStateException("an agent opens no streams");
  }

  @Override
  public void data(ByteBuf bytes) {
    int length = bytes.readableBytes();
    while (bytes.isReadable()) {
      byte next = bytes.readByte();
      if (next == END_OF_HEAD[matched]) {
        matched++;
      } else {
        matched = next == END_OF_HEAD[0] ? 1 : 0;
      }
      if (matched == END_OF_HEAD.length) {
        matched = 0;
        ByteBuf answer = tunnel.channel().alloc().directBuffer(ANSWER.length);
        stream.write(answer.writeBytes(ANSWER)); // a copy: the tunnel masks it where it lies
      }
    }
    bytes.release();
    stream.consumed(length, System.nanoTime());
    tunnel.sendSoon();
  }

  @Override
  public void finished() {
    stream.finish();
    tunnel.sendSoon();
  }

  @Override
  public void reset(FaultCode code, String detail) {
    // Nothing is kept for it.
  }

  @Override
  public void sent(int bytes) {
    // Answers are small, and callers ask one at a time.
  }

  @Override
  public void burstEnded() {
    // The tunnel flushes.
  }
}
