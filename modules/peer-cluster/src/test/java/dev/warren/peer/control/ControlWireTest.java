package dev.warren.peer.control;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.protobuf.ByteString;
import dev.warren.peer.GatewayIdentity;
import dev.warren.protocol.Incarnation;
import java.io.NotSerializableException;
import java.util.HexFormat;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ControlWireTest {
  private static final GatewayIdentity ONE = new GatewayIdentity("one", new Incarnation(1, 2));

  /** As the first release writes it. */
  private static final byte[] RESTART_ORDER =
      HexFormat.of().parseHex("08ffffffffffffffffff01" + "12036f6e65" + "1a0461736b64");

  @Test
  void aStandingComesOverALinkAsItWas() throws Exception {
    Standing full =
        new Standing(
            ONE,
            Optional.of("127.0.0.1:7101"),
            -5,
            Optional.of(new ClusterId(-1, 3)),
            Optional.of(new Incarnation(-4, 5)),
            3,
            true,
            true,
            "0.1.0",
            1_700_000_000_000L);
    for (Standing standing : new Standing[] {full, Standing.none(ONE, "0.1.0")}) {
      byte[] bytes = standing.toWire("127.0.0.1:7201").toByteArray();
      assertEquals(standing, Standing.of(ONE, dev.warren.peer.wire.Standing.parseFrom(bytes)));
    }
  }

  @Test
  void aStandingWithAnIdOfTheWrongLengthIsRefused() {
    dev.warren.peer.wire.Standing wire =
        dev.warren.peer.wire.Standing.newBuilder()
            .setClusterId(ByteString.copyFrom(new byte[15]))
            .build();
    IllegalArgumentException refused =
        assertThrows(IllegalArgumentException.class, () -> Standing.of(ONE, wire));
    assertEquals("cluster id: 15 bytes (expected: 16)", refused.getMessage());
  }

  @Test
  void aRestartOrderHasTheBytesOfTheFirstRelease() throws Exception {
    ControlSerializer serializer = new ControlSerializer();
    Attendant.RestartOrder order = new Attendant.RestartOrder(-1, "one", "askd");
    assertEquals("RestartOrder", serializer.manifest(order));
    assertArrayEquals(RESTART_ORDER, serializer.toBinary(order));
    assertEquals(order, serializer.fromBinary(RESTART_ORDER, "RestartOrder"));
  }

  @Test
  void aMessageOfANewerVersionIsRefusedAsSuch() {
    assertThrows(
        NotSerializableException.class,
        () -> new ControlSerializer().fromBinary(new byte[0], "Promote"));
  }

  @Test
  void anAddressIsAHostAndAPort() {
    assertEquals(new HostAndPort("[::1]", 7101), HostAndPort.parse("[::1]:7101"));
    assertEquals("::1", HostAndPort.parse("[::1]:7101").bare());
    for (String wrong : new String[] {"", "host", ":1", "host:", "host:x"}) {
      assertThrows(IllegalArgumentException.class, () -> HostAndPort.parse(wrong), wrong);
    }
  }

  @Test
  void theSmallerClusterIdIsTheSmallerNumberWithoutASign() {
    assertEquals(-1, Integer.signum(new ClusterId(1, 0).compareTo(new ClusterId(-1, 0))));
    assertEquals(-1, Integer.signum(new ClusterId(1, 1).compareTo(new ClusterId(1, -1))));
  }
}
