package dev.warren.session;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import dev.warren.protocol.Incarnation;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;
import dev.warren.session.wire.Policy;
import dev.warren.session.wire.Reason;
import dev.warren.session.wire.Status;
import dev.warren.session.wire.Tunnel;
import dev.warren.session.wire.TunnelId;
import java.io.NotSerializableException;
import org.apache.pekko.actor.ExtendedActorSystem;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorRefResolver;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.serialization.SerializerWithStringManifest;

/**
 * The Protobuf form of every {@link SessionMessage} (session.proto). A node speaks to peers one
 * version older and newer: fields that are not known here are skipped, fields that are missing have
 * Protobuf's defaults, a verdict of unknown kind counts as refused. A message of unknown manifest
 * is logged by Pekko and dropped; whoever asked hears nothing and asks again.
 */
public final class SessionSerializer extends SerializerWithStringManifest {
  /** Unique among all serializers, never changed; 0 to 40 belong to Pekko. */
  static final int IDENTIFIER = 741_001;

  private final ActorRefResolver actors;

  /** Called by Pekko, by its signature. */
  public SessionSerializer(ExtendedActorSystem system) {
    actors = ActorRefResolver.get(Adapter.toTyped(system));
  }

  @Override
  public int identifier() {
    return IDENTIFIER;
  }

  @Override
  public String manifest(Object message) {
    if (message instanceof Session.Report) {
      return "report";
    } else if (message instanceof Session.Lost) {
      return "lost";
    } else if (message instanceof Session.Describe) {
      return "describe";
    } else if (message instanceof Session.Close) {
      return "close";
    } else if (message instanceof Session.OrderTaken) {
      return "order-taken";
    } else if (message instanceof Verdict) {
      return "verdict";
    } else if (message instanceof Description) {
      return "description";
    } else if (message instanceof Closed) {
      return "closed";
    } else if (message instanceof HolderOrder.CloseTunnel) {
      return "close-tunnel";
    } else if (message instanceof SessionIndex.ListPage) {
      return "list-page";
    } else if (message instanceof SessionIndex.Page) {
      return "page";
    }
    throw new IllegalArgumentException(
        "message of " + message.getClass() + " (expected: a SessionMessage with a wire form)");
  }

  @Override
  public byte[] toBinary(Object message) {
    return wire(message).toByteArray();
  }

  private MessageLite wire(Object message) {
    if (message instanceof Session.Report report) {
      return dev.warren.session.wire.Report.newBuilder()
          .setTunnel(wire(report.tunnel()))
          .setHolder(wire(report.holder()))
          .setReplyTo(wire(report.replyTo()))
          .build();
    } else if (message instanceof Session.Lost lost) {
      return dev.warren.session.wire.Lost.newBuilder()
          .setTunnel(wire(lost.tunnel()))
          .setReason(lost.reason())
          .setReplyTo(wire(lost.replyTo()))
          .build();
    } else if (message instanceof Session.Describe describe) {
      return dev.warren.session.wire.Describe.newBuilder()
          .setReplyTo(wire(describe.replyTo()))
          .build();
    } else if (message instanceof Session.Close close) {
      return dev.warren.session.wire.Close.newBuilder()
          .setDetail(close.detail())
          .setReplyTo(wire(close.replyTo()))
          .build();
    } else if (message instanceof Session.OrderTaken taken) {
      return dev.warren.session.wire.OrderTaken.newBuilder()
          .setTunnel(wire(taken.tunnel()))
          .build();
    } else if (message instanceof Verdict verdict) {
      return wire(verdict);
    } else if (message instanceof Description description) {
      return wire(description);
    } else if (message instanceof Closed closed) {
      return dev.warren.session.wire.Closed.newBuilder()
          .setTunnels(closed.tunnels())
          .setUnconfirmed(closed.unconfirmed())
          .build();
    } else if (message instanceof HolderOrder.CloseTunnel order) {
      return dev.warren.session.wire.CloseTunnel.newBuilder()
          .setSession(order.session().toString())
          .setTunnel(wire(order.tunnel()))
          .setReason(wire(order.reason()))
          .setDetail(order.detail())
          .setReplyTo(wire(order.replyTo()))
          .build();
    } else if (message instanceof SessionIndex.ListPage request) {
      return dev.warren.session.wire.ListPage.newBuilder()
          .setAfter(request.after() == null ? "" : request.after().toString())
          .setLimit(request.limit())
          .setReplyTo(wire(request.replyTo()))
          .build();
    } else if (message instanceof SessionIndex.Page page) {
      dev.warren.session.wire.Page.Builder wire =
          dev.warren.session.wire.Page.newBuilder().setMore(page.more());
      page.entries().forEach(entry -> wire.addEntries(wire(entry)));
      return wire.build();
    }
    throw new IllegalArgumentException(
        "message of " + message.getClass() + " (expected: a SessionMessage with a wire form)");
  }

  @Override
  public Object fromBinary(byte[] bytes, String manifest) throws NotSerializableException {
    try {
      return read(bytes, manifest);
    } catch (InvalidProtocolBufferException | IllegalArgumentException e) {
      NotSerializableException failure =
          new NotSerializableException("message \"" + manifest + "\": " + e.getMessage());
      failure.initCause(e);
      throw failure;
    }
  }

  private Object read(byte[] bytes, String manifest)
      throws InvalidProtocolBufferException, NotSerializableException {
    switch (manifest) {
      case "report" -> {
        var wire = dev.warren.session.wire.Report.parseFrom(bytes);
        return new Session.Report(
            read(wire.getTunnel()), actor(wire.getHolder()), actor(wire.getReplyTo()));
      }
      case "lost" -> {
        var wire = dev.warren.session.wire.Lost.parseFrom(bytes);
        return new Session.Lost(read(wire.getTunnel()), wire.getReason(), actor(wire.getReplyTo()));
      }
      case "describe" -> {
        var wire = dev.warren.session.wire.Describe.parseFrom(bytes);
        return new Session.Describe(actor(wire.getReplyTo()));
      }
      case "close" -> {
        var wire = dev.warren.session.wire.Close.parseFrom(bytes);
        return new Session.Close(wire.getDetail(), actor(wire.getReplyTo()));
      }
      case "order-taken" -> {
        var wire = dev.warren.session.wire.OrderTaken.parseFrom(bytes);
        return new Session.OrderTaken(read(wire.getTunnel()));
      }
      case "verdict" -> {
        return read(dev.warren.session.wire.Verdict.parseFrom(bytes));
      }
      case "description" -> {
        return read(dev.warren.session.wire.Description.parseFrom(bytes));
      }
      case "closed" -> {
        var wire = dev.warren.session.wire.Closed.parseFrom(bytes);
        return new Closed(wire.getTunnels(), wire.getUnconfirmed());
      }
      case "close-tunnel" -> {
        var wire = dev.warren.session.wire.CloseTunnel.parseFrom(bytes);
        return new HolderOrder.CloseTunnel(
            SessionKey.of(wire.getSession()),
            read(wire.getTunnel()),
            read(wire.getReason()),
            wire.getDetail(),
            actor(wire.getReplyTo()));
      }
      case "list-page" -> {
        var wire = dev.warren.session.wire.ListPage.parseFrom(bytes);
        return new SessionIndex.ListPage(
            wire.getAfter().isEmpty() ? null : SessionKey.of(wire.getAfter()),
            wire.getLimit(),
            actor(wire.getReplyTo()));
      }
      case "page" -> {
        var wire = dev.warren.session.wire.Page.parseFrom(bytes);
        return new SessionIndex.Page(
            wire.getEntriesList().stream().map(SessionSerializer::read).toList(), wire.getMore());
      }
      default ->
          throw new NotSerializableException(
              "message \"" + manifest + "\": unknown here; the peer speaks a newer version");
    }
  }

  private dev.warren.session.wire.Verdict wire(Verdict verdict) {
    dev.warren.session.wire.Verdict.Builder wire = dev.warren.session.wire.Verdict.newBuilder();
    if (verdict instanceof Verdict.Kept kept) {
      wire.getKeptBuilder().setEntity(wire(kept.entity()));
    } else if (verdict instanceof Verdict.Superseded superseded) {
      wire.getSupersededBuilder().setBy(wire(superseded.by()));
    } else if (verdict instanceof Verdict.Outdated) {
      wire.getOutdatedBuilder();
    } else if (verdict instanceof Verdict.Refused refused) {
      wire.getRefusedBuilder().setDetail(refused.detail());
    } else {
      wire.getRemovedBuilder();
    }
    return wire.build();
  }

  private Verdict read(dev.warren.session.wire.Verdict wire) {
    return switch (wire.getKindCase()) {
      case KEPT -> new Verdict.Kept(actor(wire.getKept().getEntity()));
      case SUPERSEDED -> new Verdict.Superseded(read(wire.getSuperseded().getBy()));
      case OUTDATED -> new Verdict.Outdated();
      case REFUSED -> new Verdict.Refused(wire.getRefused().getDetail());
      case REMOVED -> new Verdict.Removed();
      case KIND_NOT_SET ->
          new Verdict.Refused("verdict of unknown kind; the peer speaks a newer version");
    };
  }

  private static dev.warren.session.wire.Description wire(Description description) {
    dev.warren.session.wire.Description.Builder wire =
        dev.warren.session.wire.Description.newBuilder()
            .setSession(description.session().toString())
            .setStatus(wire(description.status()))
            .setPolicy(wire(description.policy()))
            .setLastConnectedMillis(description.lastConnectedMillis())
            .setReports(description.reports())
            .setSupersessions(description.supersessions())
            .setNode(description.node())
            .setGateway(description.gateway());
    description.tunnels().forEach(tunnel -> wire.addTunnels(wire(tunnel)));
    return wire.build();
  }

  private static Description read(dev.warren.session.wire.Description wire) {
    return new Description(
        SessionKey.of(wire.getSession()),
        read(wire.getStatus()),
        read(wire.getPolicy()),
        wire.getTunnelsList().stream().map(SessionSerializer::read).toList(),
        wire.getLastConnectedMillis(),
        wire.getReports(),
        wire.getSupersessions(),
        wire.getNode(),
        wire.getGateway());
  }

  private static dev.warren.session.wire.Entry wire(SessionEntry entry) {
    return dev.warren.session.wire.Entry.newBuilder()
        .setSession(entry.session().toString())
        .setStatus(wire(entry.status()))
        .setTunnels(entry.tunnels())
        .addAllHolders(entry.holders())
        .setEpoch(entry.epoch())
        .setLastConnectedMillis(entry.lastConnectedMillis())
        .setGateway(entry.gateway())
        .build();
  }

  private static SessionEntry read(dev.warren.session.wire.Entry wire) {
    return new SessionEntry(
        SessionKey.of(wire.getSession()),
        read(wire.getStatus()),
        wire.getTunnels(),
        wire.getHoldersList(),
        wire.getEpoch(),
        wire.getLastConnectedMillis(),
        wire.getGateway());
  }

  private static Tunnel wire(TunnelReport tunnel) {
    return Tunnel.newBuilder()
        .setHolder(tunnel.holder())
        .setIncarnation(ByteString.copyFrom(tunnel.incarnation().toBytes()))
        .setInstance(ByteString.copyFrom(tunnel.instance().toBytes()))
        .setConnection(tunnel.connection())
        .setEpoch(tunnel.epoch())
        .setRankIncarnation(tunnel.rankIncarnation())
        .setSinceMillis(tunnel.sinceMillis())
        .setRemote(tunnel.remote())
        .setSoftware(tunnel.software())
        .setPrincipal(tunnel.principal())
        .build();
  }

  /** Texts that many tunnels have in common are shared, because an entity keeps them. */
  private static TunnelReport read(Tunnel wire) {
    return new TunnelReport(
        wire.getHolder().intern(),
        Incarnation.of(wire.getIncarnation().toByteArray()),
        instance(wire.getInstance()),
        wire.getConnection(),
        wire.getEpoch(),
        wire.getRankIncarnation(),
        wire.getSinceMillis(),
        wire.getRemote(),
        wire.getSoftware().intern(),
        wire.getPrincipal().intern());
  }

  private static TunnelId wire(TunnelIdentity tunnel) {
    return TunnelId.newBuilder()
        .setIncarnation(ByteString.copyFrom(tunnel.incarnation().toBytes()))
        .setInstance(ByteString.copyFrom(tunnel.instance().toBytes()))
        .setConnection(tunnel.connection())
        .build();
  }

  private static TunnelIdentity read(TunnelId wire) {
    return new TunnelIdentity(
        Incarnation.of(wire.getIncarnation().toByteArray()),
        instance(wire.getInstance()),
        wire.getConnection());
  }

  private static StreamId instance(ByteString bytes) {
    if (bytes.size() != 16) {
      throw new IllegalArgumentException("instance: " + bytes.size() + " bytes (expected: 16)");
    }
    return StreamId.of(bytes.toByteArray(), 0);
  }

  private static Status wire(SessionStatus status) {
    return switch (status) {
      case UNKNOWN -> Status.STATUS_UNKNOWN;
      case ONLINE -> Status.STATUS_ONLINE;
      case OFFLINE -> Status.STATUS_OFFLINE;
    };
  }

  private static SessionStatus read(Status wire) {
    return switch (wire) {
      case STATUS_ONLINE -> SessionStatus.ONLINE;
      case STATUS_OFFLINE -> SessionStatus.OFFLINE;
      case STATUS_UNKNOWN, UNRECOGNIZED -> SessionStatus.UNKNOWN;
    };
  }

  private static Policy wire(DuplicatePolicy policy) {
    return switch (policy) {
      case NEWEST -> Policy.POLICY_NEWEST;
      case POOL -> Policy.POLICY_POOL;
      case REJECT -> Policy.POLICY_REJECT;
    };
  }

  private static DuplicatePolicy read(Policy wire) {
    return switch (wire) {
      case POLICY_POOL -> DuplicatePolicy.POOL;
      case POLICY_REJECT -> DuplicatePolicy.REJECT;
      case POLICY_NEWEST, UNRECOGNIZED -> DuplicatePolicy.NEWEST;
    };
  }

  private static Reason wire(CloseReason reason) {
    return switch (reason) {
      case ORDERED -> Reason.REASON_ORDERED;
      case SUPERSEDED -> Reason.REASON_SUPERSEDED;
    };
  }

  private static CloseReason read(Reason wire) {
    return switch (wire) {
      case REASON_SUPERSEDED -> CloseReason.SUPERSEDED;
      case REASON_ORDERED, UNRECOGNIZED -> CloseReason.ORDERED;
    };
  }

  private String wire(ActorRef<?> actor) {
    return actors.toSerializationFormat(actor);
  }

  private <T> ActorRef<T> actor(String wire) {
    return actors.resolveActorRef(wire);
  }
}
