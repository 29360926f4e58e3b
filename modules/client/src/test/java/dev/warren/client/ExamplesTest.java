package dev.warren.client;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.agent.Agent;
import dev.warren.agent.AgentSettings;
import dev.warren.agent.connect.GatewayAddress;
import dev.warren.gateway.Gateway;
import dev.warren.gateway.GatewaySettings;
import dev.warren.protocol.SessionKey;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import javax.net.SocketFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The example of the package's Javadoc, compiled and run: each of its lines stands here, with the
 * addresses that it has to have here.
 */
@Timeout(60)
class ExamplesTest {
  @Test
  void theExampleOfThePackageRuns() throws Exception {
    try (Gateway gateway =
            Gateway.start(
                GatewaySettings.builder()
                    .listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                    .eventLoops(1)
                    .build());
        Peer echo = Peer.echo()) {
      String address = "127.0.0.1:" + gateway.address().getPort();
      Agent agent =
          Agent.start(
              AgentSettings.builder(
                      SessionKey.of("db-7"),
                      List.of(GatewayAddress.parse("ws://" + address + "/connect")))
                  .eventLoops(1)
                  .build());
      try {
        agent.firstUp().get(30, TimeUnit.SECONDS);
        assertEquals("hello", run("http://" + address, echo.target(), "", "hello".getBytes(UTF_8)));
      } finally {
        agent.close();
      }
    }
  }

  private static String run(String gateways, String target, String token, byte[] request)
      throws Exception {
    byte[] answer;
    // The example begins.
    try (Warren warren = Warren.connect(gateways, token)) {
      Session session = warren.session("db-7");
      try (Socket socket = session.connect(target)) {
        socket.getOutputStream().write(request);
        socket.shutdownOutput();
        answer = socket.getInputStream().readAllBytes();
      }
      try (StreamByteChannel channel = session.open(target)) {
        channel.write(ByteBuffer.wrap(request));
      }
      SocketFactory sockets = session.socketFactory(); // for OkHttp, LDAP and others
      LocalPort port = session.forward(new InetSocketAddress("127.0.0.1", 0), target);
      LocalPort socks = session.socks(new InetSocketAddress("127.0.0.1", 0));
      // The example ends.
      assertFalse(sockets.createSocket().isConnected());
      port.close();
      socks.close();
    }
    return new String(answer, UTF_8);
  }

  @Test
  void everyLineOfItStandsHere() throws Exception {
    String here = Files.readString(Path.of("src/test/java/dev/warren/client/ExamplesTest.java"));
    String javadoc = Files.readString(Path.of("src/main/java/dev/warren/client/package-info.java"));
    String example =
        javadoc.substring(javadoc.indexOf("{@code\n") + 7, javadoc.indexOf(" * }</pre>"));
    for (String line : example.split("\n")) {
      String code =
          line.substring(2)
              .strip()
              .replace("\"http://127.0.0.1:8123\"", "gateways")
              .replace("\"127.0.0.1:5432\"", "target")
              .replace("15432", "0")
              .replace("1080", "0");
      assertTrue(here.contains(code), code);
    }
  }
}
