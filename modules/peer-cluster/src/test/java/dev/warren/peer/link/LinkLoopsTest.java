package dev.warren.peer.link;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class LinkLoopsTest {
  private final MultiThreadIoEventLoopGroup group =
      new MultiThreadIoEventLoopGroup(3, NioIoHandler.newFactory());
  private final LinkLoops loops = new LinkLoops(group);

  @AfterEach
  void stop() {
    group.shutdownGracefully(0, 1, TimeUnit.SECONDS);
  }

  @Test
  void theConnectionsToOnePlaceLieOnLoopsOfTheirOwnWhateverElseIsDialled() {
    for (String place : new String[] {"a", "b", "c"}) {
      loops.place("other");
      Set<EventLoop> used = new HashSet<>();
      for (int i = 0; i < 3; i++) {
        used.add(loops.place(place).loop());
        group.next();
      }
      assertEquals(3, used.size(), place);
    }
  }

  @Test
  void aPlaceBeginsWhereTheFewestConnectionsAre() {
    LinkLoops.Placed first = loops.place("a");
    LinkLoops.Placed second = loops.place("b");
    LinkLoops.Placed third = loops.place("c");
    assertEquals(3, Set.of(first.loop(), second.loop(), third.loop()).size());
  }

  @Test
  void aConnectionThatIsOverCountsNoMoreHoweverOftenItIsTold() {
    LinkLoops.Placed first = loops.place("a");
    LinkLoops.Placed second = loops.place("a");
    LinkLoops.Placed third = loops.place("a");
    second.over();
    second.over();
    assertEquals(second.loop(), loops.place("a").loop());
    assertNotEquals(first.loop(), third.loop());
    loops.place("a");
    first.over();
    assertNotEquals(second.loop(), loops.place("a").loop());
  }
}
