package dev.warren.session;

import static dev.warren.session.Some.PRINTER;
import static dev.warren.session.Some.tunnel;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.UnknownFieldSet;
import com.typesafe.config.ConfigFactory;
import dev.warren.protocol.SessionKey;
import java.io.IOException;
import java.io.InputStream;
import java.io.NotSerializableException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorRefResolver;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.serialization.Serialization;
import org.apache.pekko.serialization.SerializationExtension;
import org.apache.pekko.serialization.Serializers;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/**
 * Messages as bytes. {@code wire-1.txt} has what the first version wrote, a line for each: its
 * name, its manifest and its bytes. A line of a released version is never changed; a message that
 * gets a new field gets a further line.
 */
class SessionSerializerTest {
  private static final String FIXTURES = "/dev/warren/session/wire-1.txt";

  private static final ActorSystem<Void> SYSTEM =
      ActorSystem.create(
          Behaviors.empty(),
          "warren",
          SessionSettings.shardingConfig()
              .withFallback(ConfigFactory.load(ConfigFactory.parseResources("cluster-test.conf"))));
  private static final Serialization SERIALIZATION =
      SerializationExtension.get(Adapter.toClassic(SYSTEM));

  private record Wire(String manifest, byte[] bytes) {}

  @AfterAll
  static void stop() {
    SYSTEM.terminate();
  }

  /** An actor on another node, which is not there. */
  private static <T> ActorRef<T> actor(String name) {
    return ActorRefResolver.get(SYSTEM)
        .resolveActorRef("pekko://warren@192.0.2.1:7101/user/" + name + "#1234");
  }

  private static Map<String, SessionMessage> messages() {
    Map<String, SessionMessage> all = new LinkedHashMap<>();
    all.put("report", new Session.Report(tunnel(1, 3), actor("holder"), actor("asker")));
    all.put("lost", new Session.Lost(tunnel(1, 3).identity(), "lost", actor("asker")));
    all.put("describe", new Session.Describe(actor("asker")));
    all.put("close", new Session.Close("by order", actor("asker")));
    all.put("order-taken", new Session.OrderTaken(tunnel(1, 3).identity()));
    all.put("kept", new Verdict.Kept(actor("entity")));
    all.put("superseded", new Verdict.Superseded(tunnel(2, 2, 5)));
    all.put("outdated", new Verdict.Outdated());
    all.put("refused", new Verdict.Refused("64 tunnels"));
    all.put("removed", new Verdict.Removed());
    all.put(
        "description",
        new Description(
            PRINTER,
            SessionStatus.ONLINE,
            DuplicatePolicy.POOL,
            List.of(tunnel(1, 3), tunnel(2, 4)),
            1_800_000_000_000L,
            7,
            1,
            "pekko://warren@192.0.2.1:7101",
            "g1"));
    all.put(
        "description-of-nobody",
        new Description(
            SessionKey.of("plant/pump"),
            SessionStatus.UNKNOWN,
            DuplicatePolicy.NEWEST,
            List.of(),
            0,
            0,
            0,
            "pekko://warren@192.0.2.1:7101",
            "g1"));
    all.put("closed", new Closed(2, 1));
    all.put(
        "close-tunnel-superseded",
        new HolderOrder.CloseTunnel(
            PRINTER,
            tunnel(1, 3).identity(),
            CloseReason.SUPERSEDED,
            "superseded",
            actor("entity")));
    all.put(
        "close-tunnel-ordered",
        new HolderOrder.CloseTunnel(
            PRINTER, tunnel(1, 3).identity(), CloseReason.ORDERED, "by order", actor("entity")));
    all.put("first-page", new SessionIndex.ListPage(null, 500, actor("asker")));
    all.put("next-page", new SessionIndex.ListPage(PRINTER, 10, actor("asker")));
    all.put(
        "page",
        new SessionIndex.Page(
            List.of(
                new SessionEntry(
                    PRINTER, SessionStatus.ONLINE, 2, List.of("g1", "g2"), 4, 1_800_000L, "g3"),
                new SessionEntry(
                    SessionKey.of("plant/pump"),
                    SessionStatus.OFFLINE,
                    0,
                    List.of(),
                    0,
                    1_700_000L,
                    "g3")),
            true));
    return all;
  }

  private static Wire write(Object message) {
    var serializer = SERIALIZATION.findSerializerFor(message);
    assertEquals(SessionSerializer.IDENTIFIER, serializer.identifier(), "of " + message);
    return new Wire(Serializers.manifestFor(serializer, message), serializer.toBinary(message));
  }

  private static Object read(Wire wire) {
    return SERIALIZATION
        .deserialize(wire.bytes(), SessionSerializer.IDENTIFIER, wire.manifest())
        .get();
  }

  private static Map<String, Wire> fixtures() throws IOException {
    Map<String, Wire> all = new LinkedHashMap<>();
    try (InputStream in = SessionSerializerTest.class.getResourceAsStream(FIXTURES)) {
      String text = in == null ? "" : new String(in.readAllBytes(), StandardCharsets.US_ASCII);
      for (String line : text.lines().filter(each -> !each.startsWith("#")).toList()) {
        String[] parts = line.split(" ", -1);
        all.put(parts[0], new Wire(parts[1], HexFormat.of().parseHex(parts[2])));
      }
    }
    return all;
  }

  @Test
  void everyMessageIsWrittenAndReadAsTheFirstVersionDid() throws IOException {
    Map<String, Wire> fixtures = fixtures();
    List<String> missing = new ArrayList<>();
    messages()
        .forEach(
            (name, message) -> {
              Wire now = write(message);
              String line =
                  name + " " + now.manifest() + " " + HexFormat.of().formatHex(now.bytes());
              Wire then = fixtures.remove(name);
              if (then == null) {
                missing.add(line);
              } else {
                assertEquals(then.manifest(), now.manifest(), name);
                assertEquals(
                    HexFormat.of().formatHex(then.bytes()),
                    HexFormat.of().formatHex(now.bytes()),
                    name);
                assertEquals(message, read(then), name);
              }
            });
    assertEquals(List.of(), missing, "to be added to " + FIXTURES);
    assertEquals(Set.of(), fixtures.keySet(), "of which no message is known here");
  }

  @Test
  void everyKindOfMessageIsAmongThem() {
    Set<Class<?>> kinds = new HashSet<>(Set.of(Description.class, Closed.class));
    kinds.add(SessionIndex.Page.class);
    for (Class<?> family :
        List.of(
            Session.Command.class, Verdict.class, HolderOrder.class, SessionIndex.Command.class)) {
      for (Class<?> kind : family.getPermittedSubclasses()) {
        if (SessionMessage.class.isAssignableFrom(kind)) {
          kinds.add(kind);
        }
      }
    }
    messages().values().forEach(message -> kinds.remove(message.getClass()));
    assertEquals(Set.of(), kinds, "without an example of its bytes");
  }

  @Test
  void fieldsOfANewerVersionAreSkipped() throws IOException {
    byte[] newer =
        UnknownFieldSet.newBuilder()
            .addField(
                1_999,
                UnknownFieldSet.Field.newBuilder()
                    .addVarint(7)
                    .addFixed64(8)
                    .addLengthDelimited(com.google.protobuf.ByteString.copyFromUtf8("newer"))
                    .build())
            .build()
            .toByteArray();
    Map<String, SessionMessage> messages = messages();
    fixtures()
        .forEach(
            (name, wire) -> {
              byte[] bytes = new byte[wire.bytes().length + newer.length];
              System.arraycopy(wire.bytes(), 0, bytes, 0, wire.bytes().length);
              System.arraycopy(newer, 0, bytes, wire.bytes().length, newer.length);
              assertEquals(messages.get(name), read(new Wire(wire.manifest(), bytes)), name);
            });
  }

  @Test
  void aVerdictOfANewerVersionCountsAsRefused() {
    byte[] bytes = {(byte) (15 << 3 | 2), 0};
    assertTrue(read(new Wire("verdict", bytes)) instanceof Verdict.Refused);
  }

  @Test
  void wordsOfANewerVersionCountAsTheMostHarmless() throws IOException {
    var description =
        dev.warren.session.wire.Description.newBuilder()
            .setSession("a")
            .setStatusValue(77)
            .setPolicyValue(77)
            .build();
    Description read = (Description) read(new Wire("description", description.toByteArray()));
    assertEquals(SessionStatus.UNKNOWN, read.status());
    assertEquals(DuplicatePolicy.NEWEST, read.policy());
    var order =
        dev.warren.session.wire.CloseTunnel.parseFrom(
                fixtures().get("close-tunnel-ordered").bytes())
            .toBuilder()
            .setReasonValue(77)
            .build();
    assertEquals(
        CloseReason.ORDERED,
        ((HolderOrder.CloseTunnel) read(new Wire("close-tunnel", order.toByteArray()))).reason());
  }

  @Test
  void whatCannotBeReadIsRefusedWithItsName() {
    for (Wire wire :
        List.of(
            new Wire("of-a-newer-version", new byte[0]),
            new Wire("report", new byte[] {1, 2, 3}),
            new Wire("order-taken", new byte[0]), // without the ids
            new Wire("description", new byte[0]))) { // of no session
      NotSerializableException refusal =
          assertThrows(NotSerializableException.class, () -> read(wire), wire.manifest());
      assertTrue(refusal.getMessage().contains(wire.manifest()), refusal.getMessage());
    }
  }

  @Test
  void textsThatManyTunnelsShareAreOneObject() {
    Session.Report one = (Session.Report) read(write(messages().get("report")));
    Session.Report other = (Session.Report) read(write(messages().get("report")));
    assertTrue(one.tunnel().software() == other.tunnel().software(), "software");
    assertTrue(one.tunnel().holder() == other.tunnel().holder(), "holder");
  }
}
