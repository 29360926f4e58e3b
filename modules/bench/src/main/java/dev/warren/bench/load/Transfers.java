package dev.warren.bench.load;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Downloads or uploads that one thread moves side by side, each as fast as it goes. What comes is
 * counted and thrown away, heads included; what goes is zeros.
 */
final class Transfers implements AutoCloseable {
  private static final int BUFFER_BYTES = 256 * 1024;
  private static final int SELECT_MILLIS = 100;
  private static final int SEND_BUFFER_BYTES = 64 * 1024;
  private static final long ENDLESS = 1L << 40;

  private final Selector selector;
  private final List<SocketChannel> channels = new ArrayList<>();
  private final ByteBuffer scratch = ByteBuffer.allocateDirect(BUFFER_BYTES);
  private final long[] bytes;

  private Transfers(int count) throws IOException {
    selector = Selector.open();
    bytes = new long[count];
  }

  /** Asks for the same path on so many connections. */
  static Transfers downloads(int port, String path, int count) {
    return open(port, "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", false, count);
  }

  /** Puts a body without an end to the same path on so many connections. */
  static Transfers uploads(int port, String path, int count) {
    String head =
        "PUT " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: " + ENDLESS + "\r\n\r\n";
    return open(port, head, true, count);
  }

  private static Transfers open(int port, String head, boolean up, int count) {
    try {
      Transfers transfers = new Transfers(count);
      try {
        for (int i = 0; i < count; i++) {
          transfers.begin(i, port, head, up);
        }
        return transfers;
      } catch (IOException e) {
        transfers.close();
        throw e;
      }
    } catch (IOException e) {
      throw new LoadException("cannot begin a transfer: " + e.getMessage(), e);
    }
  }

  private void begin(int number, int port, String head, boolean up) throws IOException {
    SocketChannel channel = SocketChannel.open();
    channels.add(channel);
    if (up) { // what waits in our own socket counts as moved
      channel.setOption(StandardSocketOptions.SO_SNDBUF, SEND_BUFFER_BYTES);
    }
    channel.connect(new InetSocketAddress(FreePorts.HOST, port));
    channel.write(ByteBuffer.wrap(head.getBytes(StandardCharsets.US_ASCII)));
    channel.configureBlocking(false);
    channel.register(selector, up ? SelectionKey.OP_WRITE : SelectionKey.OP_READ, number);
  }

  /**
   * Lets them go on for so long.
   *
   * @return how many bytes moved meanwhile, stream by stream
   */
  long[] run(double seconds) {
    long[] before = bytes.clone();
    long until = System.nanoTime() + (long) (seconds * 1e9);
    try {
      while (System.nanoTime() < until) {
        selector.select(this::take, SELECT_MILLIS);
      }
    } catch (IOException e) {
      throw new LoadException("cannot go on: " + e.getMessage(), e);
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
      SocketChannel channel = (SocketChannel) key.channel();
      int moved = key.isWritable() ? channel.write(scratch) : channel.read(scratch);
      if (moved < 0) {
        throw new LoadException("transfer " + number + " ended after " + bytes[number] + " bytes");
      }
      bytes[number] += moved;
    } catch (IOException e) {
      throw new LoadException("transfer " + number + " broke: " + e.getMessage(), e);
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
