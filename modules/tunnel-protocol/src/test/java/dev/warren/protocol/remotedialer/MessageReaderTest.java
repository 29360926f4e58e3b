package dev.warren.protocol.remotedialer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.frame.ProtocolException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MessageReaderTest {
  private final MessageReader reader = new MessageReader();
  private final Said said = new Said();

  /** What was read, as text. */
  private static final class Said implements MessageReader.Sink {
    private final List<String> lines = new ArrayList<>();

    @Override
    public void data(long connection, ByteBuf bytes) {
      String text = bytes.toString(StandardCharsets.US_ASCII);
      bytes.release();
      String before = "data " + connection + " ";
      int last = lines.size() - 1;
      if (last >= 0 && lines.get(last).startsWith(before)) {
        lines.set(last, lines.get(last) + text);
      } else {
        lines.add(before + text);
      }
    }

    @Override
    public void connect(long connection, String address) {
      lines.add("connect " + connection + " " + address);
    }

    @Override
    public void error(long connection, String text) {
      lines.add("error " + connection + " " + text);
    }

    @Override
    public void pause(long connection) {
      lines.add("pause " + connection);
    }

    @Override
    public void resume(long connection) {
      lines.add("resume " + connection);
    }

    @Override
    public void sync(long[] connections) {
      lines.add("sync " + Arrays.toString(connections));
    }

    @Override
    public void client(String client, boolean added) {
      lines.add(client + " " + added);
    }
  }

  private static ByteBuf message(long id, MessageType type, String body) {
    ByteBuf message = Unpooled.buffer();
    Messages.head(message, 77, id, type);
    return message.writeBytes(body.getBytes(StandardCharsets.US_ASCII));
  }

  private void feed(ByteBuf message) throws ProtocolException {
    try {
      reader.feed(message, true, true, said);
    } finally {
      message.release();
    }
  }

  private void refused(ByteBuf message, String part) {
    ProtocolException fault = assertThrows(ProtocolException.class, () -> feed(message));
    assertEquals(FaultCode.PROTOCOL, fault.code());
    assertTrue(fault.getMessage().contains(part), fault.getMessage());
  }

  @Test
  void numbersAreZigzagAsGoWritesThem() {
    ByteBuf out = Unpooled.buffer();
    for (long value : new long[] {0, -1, 1, 63, -64, 64, 15_000}) {
      Messages.varint(out, value);
    }
    assertEquals("0001027e7f8001b0ea01", io.netty.buffer.ByteBufUtil.hexDump(out));
    out.clear();
    Messages.varint(out, Long.MIN_VALUE);
    assertEquals("ffffffffffffffffff01", io.netty.buffer.ByteBufUtil.hexDump(out));
  }

  @Test
  void messagesAreReadHoweverTheyAreCut() throws ProtocolException {
    Random random = new Random(11);
    List<String> expected =
        List.of(
            "connect 5 tcp/127.0.0.1:8125",
            "data 5 hello, agent",
            "error 5 EOF",
            "pause 6",
            "resume 6",
            "sync [3, -2]",
            "foo/12 true");
    for (int round = 0; round < 300; round++) {
      said.lines.clear();
      ByteBuf sync = message(0, MessageType.SYNC_CONNECTIONS, "").writeLongLE(3).writeLongLE(-2);
      for (ByteBuf message :
          List.of(
              message(5, MessageType.CONNECT, "tcp/127.0.0.1:8125"),
              message(5, MessageType.DATA, "hello, agent"),
              message(5, MessageType.ERROR, "EOF"),
              message(6, MessageType.PAUSE, ""),
              message(6, MessageType.RESUME, ""),
              sync,
              message(9, MessageType.ADD_CLIENT, "foo/12"))) {
        for (boolean first = true; first || message.isReadable(); first = false) {
          int length = random.nextInt(Math.min(message.readableBytes(), 9) + 1);
          ByteBuf part = message.readSlice(length);
          reader.feed(part, first, !message.isReadable(), said);
          if (!message.isReadable()) {
            break;
          }
        }
        message.release();
      }
      assertEquals(expected, said.lines);
      assertEquals(0, reader.heldBytes());
    }
  }

  @Test
  void aNumberOfElevenBytesEndsTheSession() {
    ByteBuf message = Unpooled.buffer();
    for (int i = 0; i < 10; i++) {
      message.writeByte(0x81);
    }
    refused(message.writeByte(1), "more than 64 bits");
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 9, -1, Long.MAX_VALUE, Long.MIN_VALUE})
  void anUnknownTypeEndsTheSession(long type) {
    ByteBuf message = Unpooled.buffer();
    Messages.varint(message, 1);
    Messages.varint(message, 1);
    Messages.varint(message, type);
    refused(message, "type " + type);
  }

  @Test
  void aMessageThatEndsWithinItsHeadEndsTheSession() {
    ByteBuf message = message(5, MessageType.DATA, "");
    refused(message.writerIndex(message.writerIndex() - 1), "ends before its body");
  }

  @Test
  void anAddressIsReadUpToItsLimitAndNotBeyond() throws ProtocolException {
    String longest = "tcp/" + "a".repeat(Messages.MAX_ADDRESS_BYTES - 4);
    feed(message(1, MessageType.CONNECT, longest));
    feed(message(2, MessageType.CONNECT, longest + "b"));
    assertEquals(List.of("connect 1 " + longest, "connect 2 null"), said.lines);
  }

  @Test
  void ofALongErrorTheBeginningIsRead() throws ProtocolException {
    feed(message(1, MessageType.ERROR, "e".repeat(5_000)));
    assertEquals(List.of("error 1 " + "e".repeat(Messages.MAX_ERROR_BYTES)), said.lines);
  }

  @Test
  void connectionsThatAreNoWholeNumbersEndTheSession() {
    refused(message(0, MessageType.SYNC_CONNECTIONS, "123456789"), "SYNCCONNECTIONS of 9 bytes");
  }

  @Test
  void tooManyConnectionsEndTheSession() throws ProtocolException {
    ByteBuf most = message(0, MessageType.SYNC_CONNECTIONS, "");
    feed(most.writeZero(8 * MessageReader.MAX_SYNCED));
    ByteBuf more = message(0, MessageType.SYNC_CONNECTIONS, "");
    refused(more.writeZero(8 * MessageReader.MAX_SYNCED + 8), "SYNCCONNECTIONS");
  }

  @Test
  void aMessageBeyondTheLimitEndsTheSessionBeforeItIsThere() throws ProtocolException {
    ByteBuf part = Unpooled.buffer().writeZero(1 << 20);
    ByteBuf head = message(1, MessageType.DATA, "");
    reader.feed(head, true, false, said);
    head.release();
    for (int i = 0; i < 15; i++) {
      reader.feed(part.duplicate(), false, false, said);
    }
    assertThrows(ProtocolException.class, () -> reader.feed(part.duplicate(), false, false, said));
    part.release();
  }

  @Test
  void tooManyFragmentsEndTheSession() throws ProtocolException {
    ByteBuf head = message(1, MessageType.DATA, "");
    reader.feed(head, true, false, said);
    head.release();
    for (int i = 1; i < MessageReader.MAX_FRAGMENTS; i++) {
      reader.feed(Unpooled.EMPTY_BUFFER, false, false, said);
    }
    assertThrows(
        ProtocolException.class, () -> reader.feed(Unpooled.EMPTY_BUFFER, false, false, said));
  }
}
