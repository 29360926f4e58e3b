package dev.warren.bench.load;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.List;

/** Ports of 127.0.0.1 that nobody has now; that somebody takes one before it is used is rare. */
final class FreePorts {
  static final String HOST = "127.0.0.1";

  private FreePorts() {}

  static int one() {
    return some(1).get(0);
  }

  /** All different. */
  static List<Integer> some(int count) {
    List<ServerSocket> open = new ArrayList<>();
    try {
      try {
        for (int i = 0; i < count; i++) {
          open.add(new ServerSocket(0, 1, InetAddress.getByName(HOST)));
        }
        return open.stream().map(ServerSocket::getLocalPort).toList();
      } finally {
        for (ServerSocket socket : open) {
          socket.close();
        }
      }
    } catch (IOException e) {
      throw new LoadException("no free port on " + HOST + ": " + e.getMessage(), e);
    }
  }
}
