package dev.warren.agent.dial;

import dev.warren.agent.Loopback;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;

/**
 * A port that does not answer: it listens, its backlog is full, and nobody accepts. The kernel then
 * drops what comes, as a firewall would.
 */
public final class BlackHole implements AutoCloseable {
  /** More than any kernel makes of a backlog of 1. */
  private static final int FILL = 8;

  private final ServerSocket server = new ServerSocket();
  private final List<SocketChannel> clients = new ArrayList<>();

  public BlackHole(String address, int port) throws IOException {
    server.bind(Loopback.at(address, port), 1);
    for (int i = 0; i < FILL; i++) {
      SocketChannel client = SocketChannel.open();
      client.configureBlocking(false);
      client.connect(server.getLocalSocketAddress());
      clients.add(client);
    }
  }

  public int port() {
    return server.getLocalPort();
  }

  @Override
  public void close() throws IOException {
    for (SocketChannel client : clients) {
      client.close();
    }
    server.close();
  }
}
