package dev.warren.protocol.flow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class TurnsTest {
  private static final int QUANTUM = 1_000;

  private static final class Stream extends Turns.Member<Stream> {
    private final String name;
    private int waiting;

    Stream(String name) {
      this.name = name;
    }
  }

  private final Turns<Stream> turns = new Turns<>(QUANTUM);

  private Stream stream(String name, Turns.Group<Stream> group) {
    Stream stream = new Stream(name);
    turns.join(stream, group);
    return stream;
  }

  private void has(Stream stream, int bytes) {
    stream.waiting += bytes;
    turns.ready(stream);
  }

  /** Sends one frame of at most so many bytes, as the Mux does; returns whose. */
  private String send(int most) {
    Stream next = turns.next();
    int bytes = Math.min(Math.min(most, next.waiting), turns.allowance(next));
    assertTrue(bytes > 0);
    next.waiting -= bytes;
    turns.sent(next, bytes);
    if (next.waiting == 0) {
      turns.pause(next);
    }
    return next.name;
  }

  private String send(int most, int frames) {
    List<String> order = new ArrayList<>();
    for (int i = 0; i < frames; i++) {
      order.add(send(most));
    }
    return String.join("", order);
  }

  @Test
  void membersOfAGroupSendAQuantumEachInTurn() {
    Turns.Group<Stream> group = new Turns.Group<>();
    has(stream("a", group), 5_000);
    has(stream("b", group), 5_000);
    assertEquals("aabbaabb", send(500, 8));
  }

  @Test
  void newcomerWaitsOneQuantumOfEach() {
    Turns.Group<Stream> group = new Turns.Group<>();
    has(stream("a", group), 9_000);
    has(stream("b", group), 9_000);
    send(500, 1);
    has(stream("c", group), 100);
    assertEquals("abbcaa", send(500, 6));
  }

  @Test
  void whoHasLittleDoesNotLoseItsPlace() {
    Turns.Group<Stream> group = new Turns.Group<>();
    Stream a = stream("a", group);
    has(a, 100);
    has(stream("b", group), 5_000);
    assertEquals("ab", send(1_000, 2));
    has(a, 100);
    assertEquals("ba", send(1_000, 2));
  }

  @Test
  void groupsTakeTurnsHoweverManyMembersTheyHave() {
    Turns.Group<Stream> many = new Turns.Group<>();
    Turns.Group<Stream> one = new Turns.Group<>();
    for (int i = 0; i < 5; i++) {
      has(stream("m", many), 10_000);
    }
    has(stream("s", one), 10_000);
    assertEquals("msmsmsmsms", send(1_000, 10));
  }

  @Test
  void groupOfManySmallSendersDoesNotKeepItsTurn() {
    Turns.Group<Stream> many = new Turns.Group<>();
    Turns.Group<Stream> one = new Turns.Group<>();
    for (int i = 0; i < 30; i++) {
      has(stream("m", many), 500);
    }
    has(stream("s", one), 10_000);
    assertEquals("mmsmmsmms", send(1_000, 9));
  }

  @Test
  void whoIsGoneHasNoTurn() {
    Turns.Group<Stream> group = new Turns.Group<>();
    Stream a = stream("a", group);
    Stream b = stream("b", group);
    has(a, 1_000);
    has(b, 1_000);
    turns.pause(b);
    turns.pause(b);
    turns.pause(a);
    assertNull(turns.next());
    assertTrue(turns.isEmpty());
    turns.ready(b);
    assertEquals("b", turns.next().name);
  }
}
