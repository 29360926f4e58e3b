package dev.warren.session;

import dev.warren.protocol.SessionKey;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.AbstractBehavior;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.Receive;
import org.apache.pekko.actor.typed.receptionist.Receptionist;
import org.apache.pekko.actor.typed.receptionist.ServiceKey;

/**
 * Which sessions have their entity on this node: one actor a node, found by its service key. The
 * entities tell it what changes; it answers in pages, so that a list over all nodes can be merged.
 * It holds one entry for each entity, so it is bounded by them.
 */
final class SessionIndex extends AbstractBehavior<SessionIndex.Command> {
  static final ServiceKey<Command> KEY = ServiceKey.create(Command.class, "warren-session-index");

  /** The most entries of a page; asking for more gets so many. */
  static final int MAX_PAGE = 500;

  sealed interface Command {}

  /** By an entity on this node. */
  record Changed(SessionEntry entry, ActorRef<Session.Command> entity) implements Command {}

  /** By an entity on this node, before it ends. */
  record Removed(SessionKey session, ActorRef<Session.Command> entity) implements Command {}

  /**
   * @param after the key behind which the page starts; null for the first
   * @param limit 1 to {@value #MAX_PAGE}; what is beyond counts as the nearer end
   */
  record ListPage(SessionKey after, int limit, ActorRef<Page> replyTo)
      implements Command, SessionMessage {}

  /**
   * @param entries sorted by key
   * @param more whether this node has further ones
   */
  record Page(List<SessionEntry> entries, boolean more) implements SessionMessage {
    Page {
      entries = List.copyOf(entries);
    }
  }

  /** By the directory of this node: where are the others? */
  record WhoElse(ActorRef<Indexes> replyTo) implements Command {}

  /** All that are known now, this one included. */
  record Indexes(Set<ActorRef<Command>> all) {}

  private record Found(Set<ActorRef<Command>> all) implements Command {}

  private record Row(SessionEntry entry, ActorRef<Session.Command> entity) {}

  private final TreeMap<SessionKey, Row> rows = new TreeMap<>();
  private final AtomicInteger size;
  private Set<ActorRef<Command>> all;

  /**
   * @param size is kept at the number of entries, for whoever counts
   */
  static Behavior<Command> create(AtomicInteger size) {
    return Behaviors.setup(context -> new SessionIndex(context, size));
  }

  private SessionIndex(ActorContext<Command> context, AtomicInteger size) {
    super(context);
    this.size = size;
    all = Set.of(context.getSelf());
    ActorRef<Receptionist.Command> receptionist = context.getSystem().receptionist();
    receptionist.tell(Receptionist.register(KEY, context.getSelf()));
    receptionist.tell(
        Receptionist.subscribe(
            KEY,
            context.messageAdapter(
                Receptionist.Listing.class,
                listing -> new Found(listing.getAllServiceInstances(KEY)))));
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(Changed.class, this::changed)
        .onMessage(Removed.class, this::removed)
        .onMessage(ListPage.class, this::page)
        .onMessage(WhoElse.class, this::whoElse)
        .onMessage(Found.class, this::found)
        .build();
  }

  private Behavior<Command> changed(Changed changed) {
    rows.put(changed.entry().session(), new Row(changed.entry(), changed.entity()));
    size.set(rows.size());
    return this;
  }

  private Behavior<Command> removed(Removed removed) {
    Row row = rows.get(removed.session());
    // Its next life may have come first.
    if (row != null && row.entity().equals(removed.entity())) {
      rows.remove(removed.session());
      size.set(rows.size());
    }
    return this;
  }

  private Behavior<Command> page(ListPage request) {
    int limit = Math.max(1, Math.min(request.limit(), MAX_PAGE));
    var rest = request.after() == null ? rows : rows.tailMap(request.after(), false);
    List<SessionEntry> entries = new ArrayList<>();
    boolean more = false;
    for (Row row : rest.values()) {
      if (entries.size() == limit) {
        more = true;
        break;
      }
      entries.add(row.entry());
    }
    request.replyTo().tell(new Page(entries, more));
    return this;
  }

  private Behavior<Command> whoElse(WhoElse question) {
    question.replyTo().tell(new Indexes(all));
    return this;
  }

  private Behavior<Command> found(Found found) {
    Set<ActorRef<Command>> now = new java.util.HashSet<>(found.all());
    now.add(getContext().getSelf());
    all = Set.copyOf(now);
    return this;
  }
}
