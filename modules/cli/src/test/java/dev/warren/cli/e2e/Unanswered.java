package dev.warren.cli.e2e;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;

/**
 * A port of this machine that takes no connection: its queue is full and nobody accepts, so a dial
 * stays without an answer.
 */
final class Unanswered implements AutoCloseable {
  private final ServerSocket listener;
  private final List<SocketChannel> queue = new ArrayList<>();

  private Unanswered(ServerSocket listener) {
    this.listener = listener;
  }

  static Unanswered listen() throws IOException {
    Unanswered made = new Unanswered(new ServerSocket(0, 1, InetAddress.getLoopbackAddress()));
    InetSocketAddress address =
        new InetSocketAddress(InetAddress.getLoopbackAddress(), made.port());
    for (int i = 0; i < 8; i++) { // more than a queue of one ever takes
      SocketChannel channel = SocketChannel.open();
      channel.configureBlocking(false);
      channel.connect(address);
      made.queue.add(channel);
    }
    return made;
  }

  int port() {
    return listener.getLocalPort();
  }

  @Override
  public void close() throws IOException {
    for (SocketChannel channel : queue) {
      channel.close();
    }
    listener.close();
  }
}
