package dev.warren.peer.tls;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.ssl.SslProvider;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class HandshakeWatchTest {
  @TempDir Path directory;

  private static EmbeddedChannel channel() {
    EmbeddedChannel channel = new EmbeddedChannel();
    channel.freezeTime();
    return channel;
  }

  private static EmbeddedChannel serverOf(Node node) {
    EmbeddedChannel channel = channel();
    channel
        .pipeline()
        .addLast(node.tls.serverHandler(channel))
        .addLast(node.tls.linkWatch(PeerPort.LINK_IN));
    return channel;
  }

  private static void timePasses(EmbeddedChannel channel, Duration time) {
    channel.advanceTimeBy(time.toMillis(), TimeUnit.MILLISECONDS);
    channel.runScheduledPendingTasks();
    channel.runPendingTasks();
  }

  private static void ended(Node node, EmbeddedChannel channel) {
    timePasses(channel, ClusterTls.HANDSHAKE_TIMEOUT.minusMillis(1));
    assertTrue(channel.isOpen());
    assertEquals(0, node.refused());
    timePasses(channel, Duration.ofMillis(1));
    assertFalse(channel.isOpen());
    assertEquals(1, node.refused(RefusalReason.STOPPED));
    assertEquals(1, node.refused());
    channel.finishAndReleaseAll();
  }

  @ParameterizedTest
  @MethodSource("dev.warren.peer.tls.ClusterTlsTest#providers")
  void silentPeerIsClosedAfterTheTimeout(SslProvider provider) {
    try (Node node = new Node(directory, "first", provider, Node.NOW, Node.TOKEN)) {
      ended(node, serverOf(node));
    }
  }

  @ParameterizedTest
  @MethodSource("dev.warren.peer.tls.ClusterTlsTest#providers")
  void peerThatStopsInTheMiddleIsClosedAfterTheTimeout(SslProvider provider) {
    try (Node node = new Node(directory, "first", provider, Node.NOW, Node.TOKEN)) {
      EmbeddedChannel server = serverOf(node);
      EmbeddedChannel client = channel();
      client
          .pipeline()
          .addLast(
              node.tls.clientHandler(client, InetSocketAddress.createUnresolved("127.0.0.1", 1)));
      ByteBuf hello = client.readOutbound();
      server.writeInbound(hello.readRetainedSlice(hello.readableBytes() / 2));
      hello.release();
      ended(node, server);
      client.finishAndReleaseAll();
    }
  }

  @Test
  void peerThatListensAndIsSilentIsClosedAfterTheTimeout() {
    try (Node node = new Node(directory, "first", SslProvider.JDK, Node.NOW, Node.TOKEN)) {
      EmbeddedChannel client = channel();
      client
          .pipeline()
          .addLast(
              node.tls.clientHandler(client, InetSocketAddress.createUnresolved("127.0.0.1", 1)))
          .addLast(node.tls.linkWatch(PeerPort.LINK_OUT));
      ended(node, client);
    }
  }

  @Test
  void failureOfAnotherKindIsPassedOn() {
    try (Node node = new Node(directory, "first", SslProvider.JDK, Node.NOW, Node.TOKEN)) {
      EmbeddedChannel channel = new EmbeddedChannel(node.tls.linkWatch(PeerPort.LINK_IN));
      channel.pipeline().fireExceptionCaught(new IllegalStateException("ours"));
      org.junit.jupiter.api.Assertions.assertThrows(
          IllegalStateException.class, channel::checkException);
      assertEquals(0, node.refused());
      channel.finishAndReleaseAll();
    }
  }
}
