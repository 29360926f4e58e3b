package dev.warren.peer.route;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.UnknownFieldSet;
import dev.warren.peer.GatewayIdentity;
import dev.warren.peer.route.Announcements.Batch;
import dev.warren.peer.route.Announcements.Change;
import dev.warren.peer.wire.Route;
import dev.warren.peer.wire.Routes;
import dev.warren.protocol.Incarnation;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The bytes of announcements: those of a release are read by all later ones, and the reverse. */
class RouteWireTest {
  private static final GatewayIdentity HOLDER = new GatewayIdentity("g1", new Incarnation(1, 1));
  private static final SessionKey SESSION = SessionKey.of("realm/bench-1");
  private static final Batch BATCH =
      new Batch(
          300,
          true,
          true,
          List.of(
              new Change.Absent(
                  new dev.warren.peer.route.Route.Key(SessionKey.of("gone"), new StreamId(1, -1)),
                  6,
                  RouteTable.Removal.MOVED),
              new Change.Present(
                  new dev.warren.peer.route.Route(
                      HOLDER,
                      SESSION,
                      new StreamId(0x0102030405060708L, 9),
                      7,
                      1L << 40,
                      Long.MAX_VALUE,
                      true,
                      "agent/1.0 (\u00fc)",
                      "192.0.2.1:4000",
                      1_700_000_000_000L))));

  /** Written by the first version. */
  private static byte[] fixture() throws IOException {
    try (InputStream in = RouteWireTest.class.getResourceAsStream("routes-1.hex")) {
      String hex = new String(in.readAllBytes(), StandardCharsets.US_ASCII);
      return HexFormat.of().parseHex(hex.replaceAll("\\s", ""));
    }
  }

  @Test
  void theBytesAreThoseOfTheFirstVersion() throws IOException {
    assertEquals(
        HexFormat.of().formatHex(fixture()),
        HexFormat.of().formatHex(RouteWire.toWire(BATCH).toByteArray()));
  }

  @Test
  void theBytesOfTheFirstVersionAreRead() throws IOException {
    assertEquals(BATCH, RouteWire.fromWire(HOLDER, Routes.parseFrom(fixture())));
  }

  @Test
  void whatANewerGatewayAddsIsPassedOver() throws InvalidProtocolBufferException {
    UnknownFieldSet more =
        UnknownFieldSet.newBuilder()
            .addField(77, UnknownFieldSet.Field.newBuilder().addVarint(5).build())
            .addField(
                78,
                UnknownFieldSet.Field.newBuilder()
                    .addLengthDelimited(ByteString.copyFromUtf8("news"))
                    .build())
            .build();
    Routes known = RouteWire.toWire(BATCH);
    Routes.Builder newer = known.toBuilder().setUnknownFields(more);
    newer.setRoutes(0, known.getRoutes(0).toBuilder().addCapabilities("x").setUnknownFields(more));
    newer.setRemovals(0, known.getRemovals(0).toBuilder().setReason(3).setUnknownFields(more));
    assertEquals(BATCH, RouteWire.fromWire(HOLDER, Routes.parseFrom(newer.build().toByteArray())));
  }

  @Test
  void aReasonOfANewerGatewayCountsAsLost() {
    Routes known = RouteWire.toWire(BATCH);
    Routes newer =
        known.toBuilder().setRemovals(0, known.getRemovals(0).toBuilder().setReason(99)).build();
    Change.Absent absent = (Change.Absent) RouteWire.fromWire(HOLDER, newer).changes().get(0);
    assertEquals(RouteTable.Removal.LOST, absent.reason());
  }

  @Test
  void whatIsNoneOfOursIsRefusedWithAText() {
    Route good = RouteWire.toWire(BATCH).getRoutes(0);
    assertRefused(good.toBuilder().setSession("No Session!").build(), "agent id");
    assertRefused(
        good.toBuilder().setInstance(ByteString.copyFrom(new byte[15])).build(),
        "instance of 15 bytes (expected: 16)");
  }

  private static void assertRefused(Route route, String text) {
    Routes routes = Routes.newBuilder().addRoutes(route).build();
    IllegalArgumentException refused =
        assertThrows(IllegalArgumentException.class, () -> RouteWire.fromWire(HOLDER, routes));
    assertTrue(refused.getMessage().contains(text), refused.getMessage());
  }
}
