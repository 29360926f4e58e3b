package dev.warren.peer.control;

import com.google.protobuf.InvalidProtocolBufferException;
import java.io.NotSerializableException;
import org.apache.pekko.serialization.SerializerWithStringManifest;

/** The Protobuf form (control.proto) of {@link ControlMessage}. Made by Pekko, by its name. */
final class ControlSerializer extends SerializerWithStringManifest {
  /** Never changes: it stands in every message. */
  static final int IDENTIFIER = 7_302;

  private static final String RESTART_ORDER = "RestartOrder";

  @Override
  public int identifier() {
    return IDENTIFIER;
  }

  @Override
  public String manifest(Object message) {
    if (message instanceof Attendant.RestartOrder) {
      return RESTART_ORDER;
    }
    throw new IllegalArgumentException("no wire form of " + message.getClass());
  }

  @Override
  public byte[] toBinary(Object message) {
    if (message instanceof Attendant.RestartOrder order) {
      return dev.warren.peer.control.wire.RestartOrder.newBuilder()
          .setUid(order.uid())
          .setBy(order.by())
          .setReason(order.reason())
          .build()
          .toByteArray();
    }
    throw new IllegalArgumentException("no wire form of " + message.getClass());
  }

  @Override
  public Object fromBinary(byte[] bytes, String manifest) throws NotSerializableException {
    try {
      if (manifest.equals(RESTART_ORDER)) {
        var wire = dev.warren.peer.control.wire.RestartOrder.parseFrom(bytes);
        return new Attendant.RestartOrder(wire.getUid(), wire.getBy(), wire.getReason());
      }
    } catch (InvalidProtocolBufferException e) {
      throw new NotSerializableException(manifest + ": " + e.getMessage());
    }
    // Pekko drops the message and keeps the connection: a newer peer's.
    throw new NotSerializableException(
        "message of kind \"" + manifest + "\"; the peer speaks a newer version");
  }
}
