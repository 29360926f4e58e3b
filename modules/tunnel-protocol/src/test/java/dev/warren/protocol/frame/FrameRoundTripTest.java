package dev.warren.protocol.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.StreamId;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.lang.reflect.Array;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every frame has a wire form that says all of it; one without a form fails here by itself. */
class FrameRoundTripTest {
  private static final int ROUNDS = 300;

  static Stream<Class<?>> kinds() {
    List<Class<?>> kinds = new ArrayList<>();
    collect(Frame.class, kinds);
    return kinds.stream();
  }

  private static void collect(Class<?> type, List<Class<?>> kinds) {
    if (type.isRecord()) {
      kinds.add(type);
      return;
    }
    for (Class<?> permitted : type.getPermittedSubclasses()) {
      collect(permitted, kinds);
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void whatWasWrittenIsRead(Class<?> kind) throws Exception {
    Random random = new Random(kind.getSimpleName().hashCode());
    Set<String> seen = new HashSet<>();
    for (int round = 0; round < ROUNDS; round++) {
      Frame frame = (Frame) someRecord(kind, random);
      ByteBuf wire = Unpooled.buffer();
      FrameCodec.write(wire, frame);
      List<Frame> read = new ArrayList<>();
      FrameReader reader = new FrameReader(FrameReader.MAX_PAYLOAD_BYTES);
      reader.feed(wire, sink(read));
      assertEquals(0, reader.heldBytes());
      reader.close();
      assertEquals(1, read.size());
      assertEquals(shown(frame), shown(read.get(0)), "round " + round);
      seen.add(shown(frame));
      if (read.get(0) instanceof Frame.Data data) {
        data.bytes().release();
      }
    }
    assertTrue(seen.size() > ROUNDS / 3, "the generator varies: " + seen.size());
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void oneByteAtATimeIsTheSame(Class<?> kind) throws Exception {
    Frame frame = (Frame) someRecord(kind, new Random(1));
    ByteBuf wire = Unpooled.buffer();
    FrameCodec.write(wire, frame);
    FrameCodec.write(wire, new Frame.Ping(5));
    List<Frame> read = new ArrayList<>();
    FrameReader reader = new FrameReader(FrameReader.MAX_PAYLOAD_BYTES);
    while (wire.isReadable()) {
      reader.feed(wire.readSlice(1), sink(read));
    }
    reader.close();
    assertEquals(new Frame.Ping(5), read.get(read.size() - 1));
    for (Frame part : read) {
      if (part instanceof Frame.Data data) {
        data.bytes().release();
      }
    }
  }

  private static FrameReader.Sink sink(List<Frame> read) {
    return new FrameReader.Sink() {
      @Override
      public void data(long stream, long offset, ByteBuf bytes) {
        read.add(new Frame.Data(stream, offset, bytes));
      }

      @Override
      public void frame(long stream, ByteBuf header, ByteBuf payload) throws ProtocolException {
        read.add(FrameCodec.decode(stream, header, payload));
      }
    };
  }

  // ---- frames made at random, within what the rules allow ----

  private static Object someRecord(Class<?> type, Random random) throws Exception {
    RecordComponent[] components = type.getRecordComponents();
    Class<?>[] types = new Class<?>[components.length];
    Object[] values = new Object[components.length];
    for (int i = 0; i < components.length; i++) {
      types[i] = components[i].getType();
      values[i] = some(components[i].getGenericType(), types[i], components[i].getName(), random);
    }
    return type.getDeclaredConstructor(types).newInstance(values);
  }

  private static Object some(Type generic, Class<?> type, String name, Random random)
      throws Exception {
    if (name.equals("stream")) {
      return 1 + (random.nextLong() >>> 1) % FrameCodec.MAX_STREAM;
    } else if (type == long.class) {
      return random.nextLong() >>> (1 + random.nextInt(62));
    } else if (type == int.class) {
      return random.nextInt() >>> (1 + random.nextInt(30));
    } else if (type == boolean.class) {
      return random.nextBoolean();
    } else if (type == String.class) {
      return text(random);
    } else if (type == byte[].class) {
      byte[] bytes = new byte[random.nextInt(name.equals("mac") ? 65 : 4_097)];
      random.nextBytes(bytes);
      return bytes;
    } else if (type == ByteBuf.class) {
      byte[] bytes = new byte[1 + random.nextInt(5_000)];
      random.nextBytes(bytes);
      return Unpooled.wrappedBuffer(bytes);
    } else if (type == StreamId.class) {
      return new StreamId(random.nextLong(), random.nextLong());
    } else if (type == FaultCode.class) {
      return FaultCode.values()[random.nextInt(FaultCode.values().length)];
    } else if (type == List.class) {
      Class<?> element = (Class<?>) ((ParameterizedType) generic).getActualTypeArguments()[0];
      List<Object> list = new ArrayList<>();
      for (int i = random.nextInt(6); i > 0; i--) {
        list.add(some(element, element, name, random));
      }
      return List.copyOf(list);
    } else if (type.isRecord()) {
      return someRecord(type, random);
    }
    throw new AssertionError("no generator for " + type + " " + name + "; add one");
  }

  private static String text(Random random) {
    String all = "aZ09 -/.:äß漢\u0000\n";
    StringBuilder text = new StringBuilder();
    for (int i = random.nextInt(40); i > 0; i--) {
      text.append(all.charAt(random.nextInt(all.length())));
    }
    return text.toString();
  }

  /** As text that says all, arrays and buffers included. */
  private static String shown(Object value) throws Exception {
    if (value instanceof ByteBuf bytes) {
      return ByteBufUtil.hexDump(bytes);
    } else if (value != null && value.getClass().isArray()) {
      StringBuilder all = new StringBuilder();
      for (int i = 0; i < Array.getLength(value); i++) {
        all.append(Array.get(value, i)).append(',');
      }
      return all.toString();
    } else if (value instanceof StreamId id) {
      return ByteBufUtil.hexDump(id.toBytes()); // its text hides it
    } else if (value instanceof List<?> list) {
      StringBuilder all = new StringBuilder("[");
      for (Object element : list) {
        all.append(shown(element)).append(';');
      }
      return all.append(']').toString();
    } else if (value instanceof Record record) {
      StringBuilder all = new StringBuilder(record.getClass().getSimpleName()).append('{');
      for (RecordComponent component : record.getClass().getRecordComponents()) {
        all.append(component.getName()).append('=');
        all.append(shown(component.getAccessor().invoke(record))).append(' ');
      }
      return all.append('}').toString();
    }
    return String.valueOf(value);
  }
}
