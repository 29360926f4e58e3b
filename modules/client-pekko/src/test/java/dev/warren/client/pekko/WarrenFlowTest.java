package dev.warren.client.pekko;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.warren.agent.Agent;
import dev.warren.agent.AgentSettings;
import dev.warren.agent.connect.GatewayAddress;
import dev.warren.client.DialException;
import dev.warren.client.Session;
import dev.warren.client.Warren;
import dev.warren.gateway.Gateway;
import dev.warren.gateway.GatewaySettings;
import dev.warren.protocol.SessionKey;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.Done;
import org.apache.pekko.actor.ActorSystem;
import org.apache.pekko.japi.Pair;
import org.apache.pekko.stream.javadsl.Keep;
import org.apache.pekko.stream.javadsl.Sink;
import org.apache.pekko.stream.javadsl.Source;
import org.apache.pekko.util.ByteString;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class WarrenFlowTest {
  private static Gateway gateway;
  private static Agent agent;
  private static Warren warren;
  private static ActorSystem system;
  private static ServerSocket echo;

  @BeforeAll
  static void start() throws Exception {
    gateway =
        Gateway.start(
            GatewaySettings.builder()
                .listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .eventLoops(1)
                .build());
    String address = "127.0.0.1:" + gateway.address().getPort();
    agent =
        Agent.start(
            AgentSettings.builder(
                    SessionKey.of("foo"),
                    List.of(GatewayAddress.parse("ws://" + address + "/connect")))
                .eventLoops(1)
                .build());
    agent.firstUp().get(30, TimeUnit.SECONDS);
    warren = Warren.connect("http://" + address, "");
    system = ActorSystem.create("test");
    echo = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
    Thread accept = new Thread(WarrenFlowTest::accept, "echo");
    accept.setDaemon(true);
    accept.start();
  }

  private static void accept() {
    while (true) {
      try (Socket connection = echo.accept()) {
        connection.getInputStream().transferTo(connection.getOutputStream());
      } catch (IOException e) {
        if (echo.isClosed()) {
          return;
        }
      }
    }
  }

  @AfterAll
  static void stop() throws Exception {
    system.terminate();
    system.getWhenTerminated().toCompletableFuture().get(30, TimeUnit.SECONDS);
    warren.close();
    agent.close();
    gateway.close();
    echo.close();
  }

  private static Session session() {
    return warren.session("foo");
  }

  @Test
  void whatGoesInComesBackAndTheEndPasses() throws Exception {
    byte[] bytes = new byte[2 << 20];
    new SplittableRandom(5).nextBytes(bytes);
    List<ByteString> pieces = new ArrayList<>();
    for (int at = 0; at < bytes.length; at += 10_000) {
      int length = Math.min(10_000, bytes.length - at);
      pieces.add(ByteString.fromArray(bytes, at, length));
    }
    Pair<CompletionStage<Done>, CompletionStage<ByteString>> run =
        Source.from(pieces)
            .viaMat(WarrenFlow.of(session(), "127.0.0.1:" + echo.getLocalPort()), Keep.right())
            .toMat(Sink.fold(ByteString.emptyByteString(), ByteString::concat), Keep.both())
            .run(system);
    assertEquals(Done.getInstance(), run.first().toCompletableFuture().get(30, TimeUnit.SECONDS));
    assertArrayEquals(
        bytes, run.second().toCompletableFuture().get(30, TimeUnit.SECONDS).toArray());
    // The pieces themselves are as they were, although a stream writes over what it is given.
    assertEquals(bytes[0], pieces.get(0).apply(0));
  }

  @Test
  void aFlowWithoutAStreamFailsAndSaysWhy() {
    CompletionStage<ByteString> end =
        Source.single(ByteString.fromString("x"))
            .via(WarrenFlow.of(session(), "192.0.2.1:80"))
            .runWith(Sink.head(), system);
    ExecutionException why =
        assertThrows(
            ExecutionException.class, () -> end.toCompletableFuture().get(30, TimeUnit.SECONDS));
    DialException dial = assertInstanceOf(DialException.class, why.getCause());
    assertEquals(DialException.Reason.FORBIDDEN, dial.reason());
  }
}
