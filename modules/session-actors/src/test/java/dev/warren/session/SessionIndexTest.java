package dev.warren.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.protocol.SessionKey;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.pekko.actor.Address;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.apache.pekko.actor.testkit.typed.javadsl.TestProbe;
import org.apache.pekko.actor.typed.ActorRef;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

class SessionIndexTest {
  private static final ActorTestKit KIT = ActorTestKit.create();

  private final AtomicInteger size = new AtomicInteger();
  private final ActorRef<SessionIndex.Command> index = KIT.spawn(SessionIndex.create(size));
  private final ActorRef<Session.Command> entity =
      KIT.createTestProbe(Session.Command.class).getRef();
  private final TestProbe<SessionIndex.Page> page = KIT.createTestProbe(SessionIndex.Page.class);

  @AfterAll
  static void stop() {
    KIT.shutdownTestKit();
  }

  private static SessionEntry entry(String session, int tunnels) {
    return new SessionEntry(
        SessionKey.of(session), SessionStatus.ONLINE, tunnels, List.of("g1"), 1, 0, "g1");
  }

  private void change(SessionEntry entry) {
    index.tell(new SessionIndex.Changed(entry, entity));
  }

  private SessionIndex.Page page(SessionKey after, int limit) {
    index.tell(new SessionIndex.ListPage(after, limit, page.getRef()));
    return page.receiveMessage();
  }

  @Test
  void pagesAreSortedByKeyWhateverTheOrderOfTheChanges() {
    change(entry("plant/a", 1));
    change(entry("c", 1));
    change(entry("a", 1));
    change(entry("b", 1));
    change(entry("b", 2));
    SessionIndex.Page first = page(null, 2);
    assertEquals(List.of(entry("a", 1), entry("b", 2)), first.entries());
    assertTrue(first.more());
    SessionIndex.Page next = page(SessionKey.of("b"), 2);
    assertEquals(List.of(entry("c", 1), entry("plant/a", 1)), next.entries());
    assertFalse(next.more());
    assertEquals(List.of(), page(SessionKey.of("plant/a"), 2).entries());
    assertEquals(4, size.get());
  }

  @Test
  void whatIsRemovedIsGoneUnlessItsNextLifeCameFirst() {
    change(entry("a", 1));
    ActorRef<Session.Command> next = KIT.createTestProbe(Session.Command.class).getRef();
    index.tell(new SessionIndex.Changed(entry("a", 2), next));
    index.tell(new SessionIndex.Removed(SessionKey.of("a"), entity));
    assertEquals(List.of(entry("a", 2)), page(null, 10).entries());
    index.tell(new SessionIndex.Removed(SessionKey.of("a"), next));
    assertEquals(List.of(), page(null, 10).entries());
    assertEquals(0, size.get());
  }

  @Test
  void aPageHasAtMost500Entries() {
    for (int i = 0; i <= SessionIndex.MAX_PAGE; i++) {
      change(entry("s" + i, 1));
    }
    assertEquals(500, page(null, 10_000).entries().size());
    assertTrue(page(null, 500).more());
    assertEquals(1, page(null, 0).entries().size());
  }

  @Test
  void pagesOfSeveralNodesAreMergedInOrderAndUpToTheLimit() {
    SessionIndex.Page one = new SessionIndex.Page(List.of(entry("a", 1), entry("d", 1)), false);
    SessionIndex.Page other = new SessionIndex.Page(List.of(entry("b", 1), entry("c", 1)), false);
    Address silent = new Address("pekko", "warren", "192.0.2.1", 7101);
    SessionPage merged = SessionDirectory.merge(List.of(one, other), 3, Set.of(silent));
    assertEquals(List.of(entry("a", 1), entry("b", 1), entry("c", 1)), merged.entries());
    assertTrue(merged.more());
    assertEquals(List.of("pekko://warren@192.0.2.1:7101"), merged.silentNodes());
    assertFalse(SessionDirectory.merge(List.of(one, other), 4, Set.of()).more());
  }

  @Test
  void ofASessionThatIsSeenOnTwoNodesTheFullerEntryIsListed() {
    SessionIndex.Page one = new SessionIndex.Page(List.of(entry("a", 1)), false);
    SessionIndex.Page other = new SessionIndex.Page(List.of(entry("a", 2)), false);
    assertEquals(
        List.of(entry("a", 2)), SessionDirectory.merge(List.of(one, other), 3, Set.of()).entries());
    assertEquals(
        List.of(entry("a", 2)), SessionDirectory.merge(List.of(other, one), 3, Set.of()).entries());
  }
}
