package dev.warren.multijvm.process;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Ports for processes that are started anew on the same ones. They lie below the range from which
 * the kernel takes the ports of outgoing connections, so that no caller has one meanwhile.
 */
public final class FreePorts {
  private static final int LOWEST = 11_000;
  private static final int HIGHEST = 32_000;
  private static final int TRIES = 200;
  private static final Set<Integer> GIVEN = new HashSet<>();

  private FreePorts() {}

  /** A port that nobody has now and that was not given before. */
  public static synchronized int next() throws IOException {
    for (int i = 0; i < TRIES; i++) {
      int port = ThreadLocalRandom.current().nextInt(LOWEST, HIGHEST);
      if (GIVEN.contains(port)) {
        continue;
      }
      try (ServerSocket free = new ServerSocket(port, 1, InetAddress.getByName("127.0.0.1"))) {
        GIVEN.add(free.getLocalPort());
        return free.getLocalPort();
      } catch (IOException taken) {
        // The next one, then.
      }
    }
    throw new IOException(
        "no free port in " + TRIES + " tries (expected: " + LOWEST + " to " + HIGHEST + ")");
  }
}
