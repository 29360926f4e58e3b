package dev.warren.client;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.nio.channels.ClosedChannelException;

/**
 * A stream as a blocking channel: reads wait for at least one byte, writes until all was taken. One
 * thread may read while another writes.
 */
public final class StreamByteChannel implements ByteChannel {
  private final StreamPipe pipe;
  private volatile boolean open = true;

  StreamByteChannel(StreamPipe pipe) {
    this.pipe = pipe;
  }

  @Override
  public int read(ByteBuffer into) throws IOException {
    checkOpen();
    return pipe.read(into, 0);
  }

  @Override
  public int write(ByteBuffer from) throws IOException {
    checkOpen();
    int count = from.remaining();
    pipe.write(from);
    return count;
  }

  private void checkOpen() throws ClosedChannelException {
    if (!open) {
      throw new ClosedChannelException();
    }
  }

  /** Half close: the target sees the end of what it gets, and may go on sending. */
  public void shutdownOutput() throws IOException {
    checkOpen();
    pipe.shutdownOutput();
  }

  @Override
  public boolean isOpen() {
    return open;
  }

  /** What was written still goes out. Bytes that arrived and were not read reset the stream. */
  @Override
  public void close() {
    open = false;
    pipe.close(false);
  }
}
