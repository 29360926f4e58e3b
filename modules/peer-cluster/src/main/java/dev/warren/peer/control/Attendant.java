package dev.warren.peer.control;

import java.util.HashMap;
import java.util.Map;
import org.apache.pekko.actor.Address;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.receptionist.Receptionist;
import org.apache.pekko.actor.typed.receptionist.ServiceKey;
import org.apache.pekko.cluster.ClusterEvent;
import org.apache.pekko.cluster.typed.Cluster;
import org.apache.pekko.cluster.typed.SelfRemoved;
import org.apache.pekko.cluster.typed.Subscribe;
import org.apache.pekko.remote.artery.ThisActorSystemQuarantinedEvent;

/**
 * The first actor of an actor system: tells the control plane, which is none, what happens in the
 * cluster, and passes orders between control planes. Decides nothing.
 */
final class Attendant {
  static final ServiceKey<Command> KEY = ServiceKey.create(Command.class, "warren-control");

  sealed interface Command {}

  /** To the attendant of the gateway whose actor system is meant. */
  record RestartOrder(long uid, String by, String reason) implements Command, ControlMessage {}

  /** From the control plane: pass the order to the attendant at this address. */
  record Pass(Address to, RestartOrder order) implements Command {}

  private record Changed() implements Command {}

  private record Removed(String reason) implements Command {}

  private record Peers(Receptionist.Listing listing) implements Command {}

  /** The control plane's side; called by the actor, must not block. */
  interface Listener {
    /** Something in the membership has changed. */
    void changed();

    /** This actor system is no longer of the cluster. */
    void lost(ActorSystem<?> system, String reason);

    void ordered(RestartOrder order);
  }

  private final ActorSystem<?> system;
  private final Listener listener;
  private final Map<Address, ActorRef<Command>> peers = new HashMap<>();

  private Attendant(ActorSystem<?> system, Listener listener) {
    this.system = system;
    this.listener = listener;
  }

  static Behavior<Command> create(Listener listener) {
    return Behaviors.setup(
        context -> {
          Cluster cluster = Cluster.get(context.getSystem());
          cluster
              .subscriptions()
              .tell(
                  Subscribe.create(
                      context.messageAdapter(
                          ClusterEvent.ClusterDomainEvent.class, event -> new Changed()),
                      ClusterEvent.ClusterDomainEvent.class));
          cluster
              .subscriptions()
              .tell(
                  Subscribe.create(
                      context.messageAdapter(
                          SelfRemoved.class,
                          removed ->
                              new Removed(
                                  "removed from the cluster, as " + removed.previousStatus())),
                      SelfRemoved.class));
          ActorRef<ThisActorSystemQuarantinedEvent> quarantined =
              context.messageAdapter(
                  ThisActorSystemQuarantinedEvent.class,
                  event -> new Removed("quarantined by " + event.remoteAddress().address()));
          Adapter.toClassic(context.getSystem())
              .eventStream()
              .subscribe(Adapter.toClassic(quarantined), ThisActorSystemQuarantinedEvent.class);
          context
              .getSystem()
              .receptionist()
              .tell(Receptionist.register(KEY, context.getSelf().narrow()));
          context
              .getSystem()
              .receptionist()
              .tell(
                  Receptionist.subscribe(
                      KEY, context.messageAdapter(Receptionist.Listing.class, Peers::new)));
          return new Attendant(context.getSystem(), listener).attending();
        });
  }

  private Behavior<Command> attending() {
    return Behaviors.receive(Command.class)
        .onMessage(
            Changed.class,
            changed -> {
              listener.changed();
              return Behaviors.same();
            })
        .onMessage(
            Removed.class,
            removed -> {
              listener.lost(system, removed.reason());
              return Behaviors.same();
            })
        .onMessage(
            Peers.class,
            found -> {
              peers.clear();
              for (ActorRef<Command> peer : found.listing().getServiceInstances(KEY)) {
                peers.put(peer.path().address(), peer);
              }
              return Behaviors.same();
            })
        .onMessage(
            Pass.class,
            pass -> {
              ActorRef<Command> peer = peers.get(pass.to());
              if (peer != null) {
                peer.tell(pass.order());
              }
              return Behaviors.same();
            })
        .onMessage(
            RestartOrder.class,
            order -> {
              listener.ordered(order);
              return Behaviors.same();
            })
        .build();
  }
}
