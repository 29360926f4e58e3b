package dev.warren.protocol.frame;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.UnsafeByteOperations;
import dev.warren.protocol.FaultCode;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.wire.Header;
import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.List;

/**
 * Between {@link Frame} and its header on the wire. The two kinds that make nearly all traffic,
 * DATA and CREDIT, are written by hand in the form protobuf gives them; the generated classes do
 * the rest and are not seen above this class.
 */
public final class FrameCodec {
  /** Attributes of an agent (services, labels) are at most this long (bytes). */
  public static final int MAX_ATTRIBUTES_BYTES = 4 * 1024;

  /**
   * Details and names are at most this long (characters): longer ones are cut when sent and refused
   * when received.
   */
  public static final int MAX_TEXT = 1_024;

  /** The most gateways that one DISCOVERY may list. */
  public static final int MAX_GATEWAYS = 256;

  /** The highest stream number: six bytes. */
  public static final long MAX_STREAM = (1L << 48) - 1;

  /** The most capabilities that one side may name. */
  public static final int MAX_CAPABILITIES = 64;

  /** The most clusters that one dial may pass. */
  public static final int MAX_CLUSTER_PATH = 16;

  /** The longest MAC of a rank (bytes). */
  public static final int MAX_MAC_BYTES = 64;

  /** The longest message of one PEERING (bytes): it fits a header, with room for additions. */
  public static final int MAX_PEERING_BYTES = 24 * 1024;

  private static final int TAG_DATA = 1 << 3;
  private static final int TAG_CREDIT = 2 << 3 | 2;

  private FrameCodec() {}

  // ---- reading ----

  /** The offset in a header that is a DATA frame's and says nothing else, or -1. */
  static long plainDataOffset(ByteBuf in, int start, int length) {
    if (length < 2 || length > 11 || in.getByte(start) != TAG_DATA) {
      return -1;
    }
    long offset = 0;
    int last = start + length - 1;
    for (int i = start + 1, shift = 0; i <= last; i++, shift += 7) {
      int b = in.getByte(i);
      offset |= (long) (b & 0x7f) << shift;
      if (b >= 0) {
        return i == last ? offset : -1;
      }
    }
    return -1;
  }

  /**
   * Reads a frame. The payload of {@link Frame.Data} is a retained slice; nothing else keeps the
   * buffers.
   *
   * @throws ProtocolException where the header is none, or its kind does not fit the stream number
   */
  public static Frame decode(long stream, ByteBuf header, ByteBuf payload)
      throws ProtocolException {
    Header wire;
    try {
      wire = Header.parseFrom(header.nioBuffer());
    } catch (InvalidProtocolBufferException e) {
      throw fault("a frame header on stream " + stream + " that is no protobuf message");
    }
    Header.KindCase kind = wire.getKindCase();
    if (kind == Header.KindCase.KIND_NOT_SET) {
      if (!wire.getOptional()) {
        throw fault(
            "frame of unknown kind on stream " + stream + "; the peer speaks a newer version");
      }
      return new Frame.Skipped(stream);
    }
    if (payload.isReadable() && kind != Header.KindCase.DATA) {
      throw fault(
          kind
              + " on stream "
              + stream
              + " with "
              + payload.readableBytes()
              + " bytes of payload (expected: none)");
    }
    boolean ofStream = kind.getNumber() <= Header.KindCase.RESET.getNumber();
    if (ofStream == (stream == 0)) {
      throw fault(kind + " with stream number " + stream);
    }
    return decode(stream, wire, payload);
  }

  /** As {@link #decode}, for a relay: null for a kind that we do not know, optional or not. */
  public static Frame decodeKnown(long stream, ByteBuf header, ByteBuf payload)
      throws ProtocolException {
    try {
      if (Header.parseFrom(header.nioBuffer()).getKindCase() == Header.KindCase.KIND_NOT_SET) {
        return null;
      }
    } catch (InvalidProtocolBufferException e) {
      throw fault("a frame header on stream " + stream + " that is no protobuf message");
    }
    return decode(stream, header, payload);
  }

  /**
   * An OPEN's header as a relay passes it on: one hop less, another credit, all else as it came.
   */
  public static byte[] passedOpen(ByteBuf header, long credit) {
    Header.Builder passed = parsed(header).toBuilder();
    passed.getOpenBuilder().setCredit(credit).setHopsLeft(passed.getOpen().getHopsLeft() - 1);
    return passed.build().toByteArray();
  }

  /** An OPENED's header as a relay passes it on: another credit, all else as it came. */
  public static byte[] passedOpened(ByteBuf header, long credit) {
    Header.Builder passed = parsed(header).toBuilder();
    passed.getOpenedBuilder().setCredit(credit);
    return passed.build().toByteArray();
  }

  private static Header parsed(ByteBuf header) {
    try {
      return Header.parseFrom(header.nioBuffer());
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("a header that was read before", e);
    }
  }

  private static Frame decode(long stream, Header wire, ByteBuf payload) throws ProtocolException {
    return switch (wire.getKindCase()) {
      case DATA ->
          new Frame.Data(stream, natural(wire.getData(), "DATA offset"), payload.retainedSlice());
      case CREDIT ->
          new Frame.Credit(
              stream,
              natural(wire.getCredit().getReceived(), "CREDIT received"),
              natural(wire.getCredit().getLimit(), "CREDIT limit"));
      case OPEN -> open(stream, wire.getOpen());
      case OPENED ->
          new Frame.Opened(stream, natural(wire.getOpened().getCredit(), "OPENED credit"));
      case REFUSED ->
          new Frame.Refused(
              stream,
              FaultCode.of(wire.getRefused().getCode()),
              text(wire.getRefused().getDetail(), "REFUSED detail"),
              natural(wire.getRefused().getRetryAfterMillis(), "REFUSED retry_after_millis"));
      case FINISH ->
          new Frame.Finish(stream, natural(wire.getFinish().getOffset(), "FINISH offset"));
      case RESET ->
          new Frame.Reset(
              stream,
              FaultCode.of(wire.getReset().getCode()),
              text(wire.getReset().getDetail(), "RESET detail"),
              natural(wire.getReset().getOffset(), "RESET offset"));
      case PING -> new Frame.Ping(natural(wire.getPing().getSequence(), "PING sequence"));
      case PONG -> new Frame.Pong(natural(wire.getPong().getSequence(), "PONG sequence"));
      case HELLO -> hello(wire.getHello());
      case WELCOME -> welcome(wire.getWelcome());
      case DISCOVERY -> discovery(wire.getDiscovery());
      case DRAIN ->
          new Frame.Drain(
              natural(wire.getDrain().getDeadlineMillis(), "DRAIN deadline_millis"),
              text(wire.getDrain().getDetail(), "DRAIN detail"));
      case GO_AWAY ->
          new Frame.GoAway(
              FaultCode.of(wire.getGoAway().getCode()),
              text(wire.getGoAway().getDetail(), "GOAWAY detail"),
              natural(wire.getGoAway().getRetryAfterMillis(), "GOAWAY retry_after_millis"));
      case PEERING -> peering(wire.getPeering());
      case KIND_NOT_SET -> new Frame.Skipped(stream);
    };
  }

  private static Frame.Open open(long stream, dev.warren.protocol.wire.Open open)
      throws ProtocolException {
    if (open.getClusterPathCount() > MAX_CLUSTER_PATH) {
      throw fault(
          "OPEN with a cluster path of "
              + open.getClusterPathCount()
              + " (limit: "
              + MAX_CLUSTER_PATH
              + ")");
    }
    return new Frame.Open(
        stream,
        id(open.getStreamId(), "OPEN stream_id"),
        natural(open.getKind(), "OPEN kind"),
        text(open.getTarget(), "OPEN target"),
        natural(open.getDeadlineMillis(), "OPEN deadline_millis"),
        natural(open.getAttempt(), "OPEN attempt"),
        natural(open.getHopsLeft(), "OPEN hops_left"),
        List.copyOf(open.getClusterPathList()),
        natural(open.getCredit(), "OPEN credit"),
        text(open.getTraceParent(), "OPEN trace_parent"),
        text(open.getCaller(), "OPEN caller"),
        text(open.getSession(), "OPEN session"));
  }

  private static Frame.Hello hello(dev.warren.protocol.wire.Hello hello) throws ProtocolException {
    if (hello.getAttributes().size() > MAX_ATTRIBUTES_BYTES) {
      throw fault(
          "HELLO with "
              + hello.getAttributes().size()
              + " bytes of attributes (limit: "
              + MAX_ATTRIBUTES_BYTES
              + ")");
    }
    return new Frame.Hello(
        natural(hello.getMinVersion(), "HELLO min_version"),
        natural(hello.getMaxVersion(), "HELLO max_version"),
        capabilities(hello.getCapabilitiesList()),
        text(hello.getSession(), "HELLO session"),
        id(hello.getInstance(), "HELLO instance"),
        natural(hello.getConnection(), "HELLO connection"),
        limits(hello.getLimits()),
        natural(hello.getHeartbeatMillis(), "HELLO heartbeat_millis"),
        rank(hello.getRank()),
        text(hello.getSoftware(), "HELLO software"),
        hello.getAttributes().toByteArray());
  }

  private static Frame.Welcome welcome(dev.warren.protocol.wire.Welcome welcome)
      throws ProtocolException {
    return new Frame.Welcome(
        natural(welcome.getVersion(), "WELCOME version"),
        capabilities(welcome.getCapabilitiesList()),
        text(welcome.getGateway(), "WELCOME gateway"),
        text(welcome.getSession(), "WELCOME session"),
        limits(welcome.getLimits()),
        natural(welcome.getHeartbeatMillis(), "WELCOME heartbeat_millis"),
        rank(welcome.getRank()),
        text(welcome.getSoftware(), "WELCOME software"));
  }

  private static Frame.Discovery discovery(dev.warren.protocol.wire.Discovery discovery)
      throws ProtocolException {
    if (discovery.getGatewaysCount() > MAX_GATEWAYS) {
      throw fault(
          "DISCOVERY of "
              + discovery.getGatewaysCount()
              + " gateways (limit: "
              + MAX_GATEWAYS
              + ")");
    }
    List<Frame.Gateway> gateways = new ArrayList<>(discovery.getGatewaysCount());
    for (dev.warren.protocol.wire.Gateway gateway : discovery.getGatewaysList()) {
      gateways.add(
          new Frame.Gateway(
              text(gateway.getId(), "DISCOVERY id"),
              gateway.getGeneration(),
              gateway.getDraining(),
              natural(gateway.getTimeToLiveSeconds(), "DISCOVERY time_to_live_seconds"),
              text(gateway.getAddress(), "DISCOVERY address"),
              gateway.getRemoved()));
    }
    return new Frame.Discovery(
        natural(discovery.getVersion(), "DISCOVERY version"),
        discovery.getComplete(),
        List.copyOf(gateways));
  }

  private static Frame.Peering peering(ByteString message) throws ProtocolException {
    if (message.size() > MAX_PEERING_BYTES) {
      throw fault("PEERING of " + message.size() + " bytes (limit: " + MAX_PEERING_BYTES + ")");
    }
    return new Frame.Peering(message.toByteArray());
  }

  private static Frame.Limits limits(dev.warren.protocol.wire.Limits limits)
      throws ProtocolException {
    return new Frame.Limits(
        natural(limits.getMaxDataBytes(), "max_data_bytes"),
        natural(limits.getMaxOpenStreams(), "max_open_streams"),
        natural(limits.getMaxPendingStreams(), "max_pending_streams"));
  }

  private static Frame.Rank rank(dev.warren.protocol.wire.Rank rank) throws ProtocolException {
    if (rank.getMac().size() > MAX_MAC_BYTES) {
      throw fault(
          "rank with a MAC of " + rank.getMac().size() + " bytes (limit: " + MAX_MAC_BYTES + ")");
    }
    return new Frame.Rank(
        natural(rank.getEpoch(), "rank epoch"), rank.getIncarnation(), rank.getMac().toByteArray());
  }

  private static List<String> capabilities(List<String> names) throws ProtocolException {
    if (names.size() > MAX_CAPABILITIES) {
      throw fault(names.size() + " capabilities (limit: " + MAX_CAPABILITIES + ")");
    }
    for (String name : names) {
      text(name, "capability");
    }
    return List.copyOf(names);
  }

  private static StreamId id(ByteString bytes, String field) throws ProtocolException {
    if (bytes.size() != 16) {
      throw fault(field + " of " + bytes.size() + " bytes (expected: 16)");
    }
    return StreamId.of(bytes.toByteArray(), 0);
  }

  private static String text(String value, String field) throws ProtocolException {
    if (value.length() > MAX_TEXT) {
      throw fault(field + " of " + value.length() + " characters (limit: " + MAX_TEXT + ")");
    }
    return value;
  }

  /** Offsets and times need 63 bits; a peer that sends more counts wrongly. */
  private static long natural(long value, String field) throws ProtocolException {
    if (value < 0) {
      throw fault(field + " " + Long.toUnsignedString(value) + " (limit: " + Long.MAX_VALUE + ")");
    }
    return value;
  }

  private static int natural(int value, String field) throws ProtocolException {
    if (value < 0) {
      throw fault(
          field + " " + Integer.toUnsignedString(value) + " (limit: " + Integer.MAX_VALUE + ")");
    }
    return value;
  }

  private static ProtocolException fault(String detail) {
    return new ProtocolException(FaultCode.PROTOCOL, detail);
  }

  // ---- writing ----

  /** Writes prefix and header of a DATA frame; its payload follows on the wire. */
  public static void writeData(ByteBuf out, long stream, long offset, int payloadBytes) {
    writePrefix(out, stream, 1 + varintBytes(offset), payloadBytes);
    out.writeByte(TAG_DATA);
    writeVarint(out, offset);
  }

  /**
   * Writes a frame without payload around a header that is given in its wire form: what a relay
   * does.
   */
  public static void writeRaw(ByteBuf out, long stream, ByteBuf header, int payloadBytes) {
    writePrefix(out, stream, header.readableBytes(), payloadBytes);
    out.writeBytes(header, header.readerIndex(), header.readableBytes());
  }

  /** Writes a whole frame; DATA with its payload, which stays the caller's. */
  public static void write(ByteBuf out, Frame frame) {
    if (frame instanceof Frame.Data data) {
      writeData(out, data.stream(), data.offset(), data.bytes().readableBytes());
      out.writeBytes(data.bytes(), data.bytes().readerIndex(), data.bytes().readableBytes());
      return;
    }
    if (frame instanceof Frame.Credit credit) {
      int body = 2 + varintBytes(credit.received()) + varintBytes(credit.limit());
      writePrefix(out, credit.stream(), 2 + body, 0);
      out.writeByte(TAG_CREDIT).writeByte(body).writeByte(1 << 3);
      writeVarint(out, credit.received());
      out.writeByte(2 << 3);
      writeVarint(out, credit.limit());
      return;
    }
    byte[] header = headerBytes(frame);
    writePrefix(out, frame instanceof Frame.OfStream s ? s.stream() : 0, header.length, 0);
    out.writeBytes(header);
  }

  /**
   * The header of {@code frame} alone, in its wire form.
   *
   * @throws IllegalArgumentException where it is longer than any receiver takes
   */
  public static byte[] headerBytes(Frame frame) {
    byte[] header = header(frame).toByteArray();
    if (header.length > FrameReader.MAX_HEADER_BYTES) {
      throw new IllegalArgumentException(
          frame.getClass().getSimpleName()
              + " with a header of "
              + header.length
              + " bytes (limit: "
              + FrameReader.MAX_HEADER_BYTES
              + ")");
    }
    return header;
  }

  private static Header header(Frame frame) {
    Header.Builder header = Header.newBuilder();
    if (frame instanceof Frame.Open open) {
      header
          .getOpenBuilder()
          .setStreamId(UnsafeByteOperations.unsafeWrap(open.id().toBytes()))
          .setKind(open.kind())
          .setTarget(open.target())
          .setDeadlineMillis(open.deadlineMillis())
          .setAttempt(open.attempt())
          .setHopsLeft(open.hopsLeft())
          .addAllClusterPath(open.clusterPath())
          .setCredit(open.credit())
          .setTraceParent(cut(open.traceParent()))
          .setCaller(cut(open.caller()))
          .setSession(open.session());
    } else if (frame instanceof Frame.Opened opened) {
      header.getOpenedBuilder().setCredit(opened.credit());
    } else if (frame instanceof Frame.Refused refused) {
      header
          .getRefusedBuilder()
          .setCode(refused.code().number())
          .setDetail(cut(refused.detail()))
          .setRetryAfterMillis(refused.retryAfterMillis());
    } else if (frame instanceof Frame.Data data) {
      header.setData(data.offset());
    } else if (frame instanceof Frame.Credit credit) {
      header.getCreditBuilder().setReceived(credit.received()).setLimit(credit.limit());
    } else if (frame instanceof Frame.Finish finish) {
      header.getFinishBuilder().setOffset(finish.offset());
    } else if (frame instanceof Frame.Reset reset) {
      header
          .getResetBuilder()
          .setCode(reset.code().number())
          .setDetail(cut(reset.detail()))
          .setOffset(reset.offset());
    } else if (frame instanceof Frame.Ping ping) {
      header.getPingBuilder().setSequence(ping.sequence());
    } else if (frame instanceof Frame.Pong pong) {
      header.getPongBuilder().setSequence(pong.sequence());
    } else if (frame instanceof Frame.Hello hello) {
      header.setHello(wire(hello));
    } else if (frame instanceof Frame.Welcome welcome) {
      header.setWelcome(wire(welcome));
    } else if (frame instanceof Frame.Discovery discovery) {
      header.setDiscovery(wire(discovery));
    } else if (frame instanceof Frame.Drain drain) {
      header
          .getDrainBuilder()
          .setDeadlineMillis(drain.deadlineMillis())
          .setDetail(cut(drain.detail()));
    } else if (frame instanceof Frame.GoAway goAway) {
      header
          .getGoAwayBuilder()
          .setCode(goAway.code().number())
          .setDetail(cut(goAway.detail()))
          .setRetryAfterMillis(goAway.retryAfterMillis());
    } else if (frame instanceof Frame.Peering peering) {
      header.setPeering(wire(peering));
    } else if (frame instanceof Frame.Skipped) {
      header.setOptional(true);
    } else {
      throw new IllegalStateException("no wire form for " + frame.getClass().getSimpleName());
    }
    return header.build();
  }

  private static ByteString wire(Frame.Peering peering) {
    if (peering.message().length > MAX_PEERING_BYTES) {
      throw new IllegalArgumentException(
          "PEERING of " + peering.message().length + " bytes (limit: " + MAX_PEERING_BYTES + ")");
    }
    return UnsafeByteOperations.unsafeWrap(peering.message());
  }

  private static dev.warren.protocol.wire.Hello wire(Frame.Hello hello) {
    return dev.warren.protocol.wire.Hello.newBuilder()
        .setMinVersion(hello.minVersion())
        .setMaxVersion(hello.maxVersion())
        .addAllCapabilities(hello.capabilities())
        .setSession(hello.session())
        .setInstance(UnsafeByteOperations.unsafeWrap(hello.instance().toBytes()))
        .setConnection(hello.connection())
        .setLimits(wire(hello.limits()))
        .setHeartbeatMillis(hello.heartbeatMillis())
        .setRank(wire(hello.rank()))
        .setSoftware(cut(hello.software()))
        .setAttributes(UnsafeByteOperations.unsafeWrap(hello.attributes()))
        .build();
  }

  private static dev.warren.protocol.wire.Welcome wire(Frame.Welcome welcome) {
    return dev.warren.protocol.wire.Welcome.newBuilder()
        .setVersion(welcome.version())
        .addAllCapabilities(welcome.capabilities())
        .setGateway(welcome.gateway())
        .setSession(welcome.session())
        .setLimits(wire(welcome.limits()))
        .setHeartbeatMillis(welcome.heartbeatMillis())
        .setRank(wire(welcome.rank()))
        .setSoftware(cut(welcome.software()))
        .build();
  }

  private static dev.warren.protocol.wire.Discovery wire(Frame.Discovery discovery) {
    if (discovery.gateways().size() > MAX_GATEWAYS) {
      throw new IllegalArgumentException(
          "DISCOVERY of "
              + discovery.gateways().size()
              + " gateways (limit: "
              + MAX_GATEWAYS
              + ")");
    }
    dev.warren.protocol.wire.Discovery.Builder wire =
        dev.warren.protocol.wire.Discovery.newBuilder()
            .setVersion(discovery.version())
            .setComplete(discovery.complete());
    for (Frame.Gateway gateway : discovery.gateways()) {
      wire.addGatewaysBuilder()
          .setId(gateway.id())
          .setGeneration(gateway.generation())
          .setDraining(gateway.draining())
          .setTimeToLiveSeconds(gateway.timeToLiveSeconds())
          .setAddress(gateway.address())
          .setRemoved(gateway.removed());
    }
    return wire.build();
  }

  private static dev.warren.protocol.wire.Limits wire(Frame.Limits limits) {
    return dev.warren.protocol.wire.Limits.newBuilder()
        .setMaxDataBytes(limits.maxDataBytes())
        .setMaxOpenStreams(limits.maxOpenStreams())
        .setMaxPendingStreams(limits.maxPendingStreams())
        .build();
  }

  private static dev.warren.protocol.wire.Rank wire(Frame.Rank rank) {
    return dev.warren.protocol.wire.Rank.newBuilder()
        .setEpoch(rank.epoch())
        .setIncarnation(rank.incarnation())
        .setMac(UnsafeByteOperations.unsafeWrap(rank.mac()))
        .build();
  }

  private static String cut(String text) {
    return text.length() <= MAX_TEXT ? text : text.substring(0, MAX_TEXT);
  }

  private static void writePrefix(ByteBuf out, long stream, int headerBytes, int payloadBytes) {
    out.writeInt(FrameReader.PREFIX_BYTES - 4 + headerBytes + payloadBytes);
    out.writeShort((int) (stream >>> 32));
    out.writeInt((int) stream);
    out.writeShort(headerBytes);
  }

  private static int varintBytes(long value) {
    return (70 - Long.numberOfLeadingZeros(value | 1)) / 7;
  }

  private static void writeVarint(ByteBuf out, long value) {
    long rest = value;
    while ((rest & ~0x7fL) != 0) {
      out.writeByte((int) rest & 0x7f | 0x80);
      rest >>>= 7;
    }
    out.writeByte((int) rest);
  }
}
