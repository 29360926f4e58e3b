package dev.warren.peer.control;

import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.warren.peer.GatewayIdentity;
import dev.warren.peer.tls.ClusterTls;
import dev.warren.peer.tls.HandshakeRefusals;
import dev.warren.peer.watch.FileWatch;
import dev.warren.protocol.Incarnation;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** That it finds an open port open is shown by {@link PekkoControlPlaneTest}. */
class TlsProbeTest {
  @TempDir private Path directory;

  private boolean isOpen(int port) throws Exception {
    Path token = directory.resolve("token");
    Files.writeString(token, "kV2xY7bQ9mR4tW8zC3nH6jL1pD5sF0gA7uE2iO9xB4q\n");
    try (FileWatch watch = FileWatch.start();
        ClusterTls tls =
            ClusterTls.start(
                token,
                new GatewayIdentity("one", Incarnation.random()),
                watch,
                Clock.systemUTC(),
                new HandshakeRefusals(Clock.systemUTC()));
        TlsProbe probe = new TlsProbe(tls)) {
      return probe.isOpen("127.0.0.1:" + port).toCompletableFuture().get(10, TimeUnit.SECONDS);
    }
  }

  @Test
  void aPortWhereNobodyListensIsNotOpen() throws Exception {
    int port;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = socket.getLocalPort();
    }
    assertFalse(isOpen(port));
  }

  @Test
  void aPortThatDoesNotSpeakTlsIsNotOpen() throws Exception {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Thread server =
          new Thread(
              () -> {
                try (Socket taken = socket.accept()) {
                  taken
                      .getOutputStream()
                      .write("no such thing here\n".getBytes(StandardCharsets.US_ASCII));
                  taken.getInputStream().readAllBytes();
                } catch (IOException e) {
                  // the test is over
                }
              });
      server.setDaemon(true);
      server.start();
      assertFalse(isOpen(socket.getLocalPort()));
    }
  }
}
