package dev.warren.bench.load;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Downloads that one thread reads side by side, each as fast as it comes. What comes is counted and
 * thrown away, heads included.
 */
final class Readers implements AutoCloseable {
  private static final int BUFFER_BYTES = 256 * 1024;
  private static final int SELECT_MILLIS = 100;

  private final Selector selector;
  private final List<SocketChannel> channels = new ArrayList<>();
  private final ByteBuffer scratch = ByteBuffer.allocateDirect(BUFFER_BYTES);
  private final long[] bytes;

  private Readers(int count) throws IOException {
    selector = Selector.open();
    bytes = new long[count];
  }

  /** Asks for the same path on so many connections. */
  static Readers open(int port, String path, int count) {
    try {
      Readers readers = new Readers(count);
      try {
        for (int i = 0; i < count; i++) {
          readers.ask(i, port, path);
        }
        return readers;
      } catch (IOException e) {
        readers.close();
        throw e;
      }
    } catch (IOException e) {
      throw new LoadException("cannot ask for " + path + ": " + e.getMessage(), e);
    }
  }

  private void ask(int number, int port, String path) throws IOException {
    SocketChannel channel = SocketChannel.open(new InetSocketAddress(FreePorts.HOST, port));
    channels.add(channel);
    String request = "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    channel.write(ByteBuffer.wrap(request.getBytes(StandardCharsets.US_ASCII)));
    channel.configureBlocking(false);
    channel.register(selector, SelectionKey.OP_READ, number);
  }

  /**
   * Reads for so long.
   *
   * @return how many bytes came meanwhile, stream by stream
   */
  long[] read(double seconds) {
    long[] before = bytes.clone();
    long until = System.nanoTime() + (long) (seconds * 1e9);
    try {
      while (System.nanoTime() < until) {
        selector.select(this::take, SELECT_MILLIS);
      }
    } catch (IOException e) {
      throw new LoadException("cannot read: " + e.getMessage(), e);
    }
    long[] came = new long[bytes.length];
    for (int i = 0; i < came.length; i++) {
      came[i] = bytes[i] - before[i];
    }
    return came;
  }

  private void take(SelectionKey key) {
    int number = (Integer) key.attachment();
    try {
      scratch.clear();
      int read = ((SocketChannel) key.channel()).read(scratch);
      if (read < 0) {
        throw new LoadException("download " + number + " ended after " + bytes[number] + " bytes");
      }
      bytes[number] += read;
    } catch (IOException e) {
      throw new LoadException("download " + number + " broke: " + e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    try {
      for (SocketChannel channel : channels) {
        channel.close();
      }
      selector.close();
    } catch (IOException e) {
      throw new LoadException("cannot close a socket: " + e.getMessage(), e);
    }
  }
}
