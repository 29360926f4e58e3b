package dev.warren.gateway.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.embedded.EmbeddedChannel;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HexFormat;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ProxyProtocolTest {
  private static final Duration DEADLINE = Duration.ofSeconds(15);
  private static final TrustedProxies TENS = TrustedProxies.parse("10.0.0.0/8");
  private static final String V2_SIGNATURE = "0d0a0d0a000d0a515549540a";

  private EmbeddedChannel channel;

  /** A connection that comes from this address. */
  private void accept(String address) {
    InetSocketAddress peer = new InetSocketAddress(address, 4711);
    channel =
        new EmbeddedChannel() {
          @Override
          protected SocketAddress remoteAddress0() {
            return peer;
          }
        };
    channel.freezeTime();
    ProxyProtocol.install(channel.pipeline(), TENS, DEADLINE);
    channel
        .pipeline()
        .addLast(
            new ChannelInboundHandlerAdapter() {
              @Override
              public void channelRead(ChannelHandlerContext context, Object message) {
                seenWithTheFirstByte = RemoteAddress.of(context.channel());
                context.fireChannelRead(message);
              }
            });
  }

  private InetSocketAddress seenWithTheFirstByte;

  private void receive(String text) {
    channel.writeInbound(Unpooled.copiedBuffer(text, StandardCharsets.US_ASCII));
  }

  private void receiveHex(String hex, String text) {
    channel.writeInbound(
        Unpooled.wrappedBuffer(
            HexFormat.of().parseHex(hex), text.getBytes(StandardCharsets.US_ASCII)));
  }

  private String passedOn() {
    StringBuilder text = new StringBuilder();
    for (ByteBuf bytes = channel.readInbound(); bytes != null; bytes = channel.readInbound()) {
      text.append(bytes.toString(StandardCharsets.US_ASCII));
      bytes.release();
    }
    return text.toString();
  }

  private static InetSocketAddress at(String address, int port) throws Exception {
    return new InetSocketAddress(InetAddress.getByName(address), port);
  }

  @AfterEach
  void finish() {
    channel.finishAndReleaseAll();
  }

  @Test
  void versionOneTellsTheAddressAndTheRestPassesOn() throws Exception {
    accept("10.0.0.1");
    receive("PROXY TCP4 198.51.100.7 203.0.113.1 555 80\r\nGET / HTTP/1.1\r\n");
    assertEquals("GET / HTTP/1.1\r\n", passedOn());
    assertEquals(at("198.51.100.7", 555), seenWithTheFirstByte);
  }

  @Test
  void versionOneMayComeByteByByte() throws Exception {
    accept("10.0.0.1");
    for (char c : "PROXY TCP6 2001:db8::7 2001:db8::1 555 80\r\nGET".toCharArray()) {
      receive(String.valueOf(c));
    }
    assertEquals("GET", passedOn());
    assertEquals(at("2001:db8::7", 555), seenWithTheFirstByte);
  }

  @Test
  void versionTwoTellsTheAddressAndItsExtrasAreSkipped() throws Exception {
    accept("10.0.0.1");
    receiveHex(V2_SIGNATURE + "2111" + "0010" + "c6336407cb007101022b0050" + "ee000161", "GET");
    assertEquals("GET", passedOn());
    assertEquals(at("198.51.100.7", 555), seenWithTheFirstByte);
  }

  @Test
  void balancersOwnCheckComesFromTheBalancer() throws Exception {
    accept("10.0.0.1");
    receiveHex(V2_SIGNATURE + "2000" + "0000", "GET");
    assertEquals("GET", passedOn());
    assertEquals(at("10.0.0.1", 4711), seenWithTheFirstByte);
  }

  @Test
  void unknownAddressIsTheBalancers() throws Exception {
    accept("10.0.0.1");
    receive("PROXY UNKNOWN\r\nGET");
    assertEquals("GET", passedOn());
    assertEquals(at("10.0.0.1", 4711), seenWithTheFirstByte);
  }

  @Test
  void trustedProxyWithoutHeaderIsClosed() {
    accept("10.0.0.1");
    receive("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assertFalse(channel.isOpen());
    assertNull(seenWithTheFirstByte);
  }

  @Test
  void brokenHeaderIsClosed() {
    for (String bad :
        new String[] {
          "PROXY TCP4 198.51.100.777 203.0.113.1 555 80\r\nGET",
          "PROXY TCP4 198.51.100.7 203.0.113.1 99999 80\r\nGET",
          "PROXY " + "x".repeat(200),
        }) {
      accept("10.0.0.1");
      receive(bad);
      assertFalse(channel.isOpen(), bad);
      assertEquals("", passedOn(), bad);
      finish();
    }
  }

  @Test
  void extrasHaveALimit() {
    int largestAddresses = 216; // those of Unix sockets; the decoder leaves room for them
    int most = largestAddresses + ProxyProtocol.MAX_TLV_BYTES;
    accept("10.0.0.1");
    receiveHex(V2_SIGNATURE + "2111" + String.format("%04x", most), "c".repeat(most - 1));
    assertTrue(channel.isOpen());
    finish();
    accept("10.0.0.1");
    receiveHex(V2_SIGNATURE + "2111" + String.format("%04x", most + 1), "x".repeat(most + 1));
    assertFalse(channel.isOpen());
  }

  @Test
  void headerHasADeadline() {
    accept("10.0.0.1");
    receive("PROXY TCP4");
    channel.advanceTimeBy(DEADLINE.toMillis() - 1, TimeUnit.MILLISECONDS);
    channel.runScheduledPendingTasks();
    assertTrue(channel.isOpen());
    channel.advanceTimeBy(1, TimeUnit.MILLISECONDS);
    channel.runScheduledPendingTasks();
    assertFalse(channel.isOpen());
  }

  @Test
  void deadlineEndsWithTheHeader() {
    accept("10.0.0.1");
    receive("PROXY UNKNOWN\r\nGET");
    channel.advanceTimeBy(1, TimeUnit.DAYS);
    channel.runScheduledPendingTasks();
    assertTrue(channel.isOpen());
    assertEquals("GET", passedOn());
  }

  @Test
  void strangersHeaderIsNoHeader() throws Exception {
    accept("192.0.2.1");
    receive("PROXY TCP4 198.51.100.7 203.0.113.1 555 80\r\n");
    assertEquals("PROXY TCP4 198.51.100.7 203.0.113.1 555 80\r\n", passedOn());
    assertEquals(at("192.0.2.1", 4711), seenWithTheFirstByte);
  }
}
