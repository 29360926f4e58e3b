package dev.warren.multijvm.process;

import com.fasterxml.jackson.databind.JsonNode;
import dev.warren.multijvm.Eventually;
import dev.warren.multijvm.load.Caller;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A gateway as a process of its own. */
public final class GatewayProcess extends WarrenProcess {
  /** In a gateway's further arguments: where it listens for agents and callers. */
  public static final String OWN_ADDRESS = "@own";

  private static final Duration READY_WITHIN = Duration.ofSeconds(90);

  private final Place place;
  private final AdminClient admin;
  private final List<String> callerHeaders;

  /**
   * Where a gateway is: its addresses, which stay over restarts.
   *
   * @param id of the gateway
   * @param host where it is for callers, agents and operators
   * @param inside where it is for other gateways
   * @param advertise what other gateways dial in place of host:cluster and host:link; empty for the
   *     same
   */
  public record Place(
      String id,
      String host,
      String inside,
      int http,
      int cluster,
      int link,
      int admin,
      List<String> advertise) {
    /** Free ports on loopback. */
    public static Place free(String id) throws IOException {
      return free(id, "127.0.0.1", "127.0.0.1");
    }

    /** Ports on hosts that have no others, as in a network lab. */
    public static Place free(String id, String host, String inside) throws IOException {
      return new Place(
          id,
          host,
          inside,
          FreePorts.next(),
          FreePorts.next(),
          FreePorts.next(),
          FreePorts.next(),
          List.of());
    }

    /** The same where the others come by way of these, as {@code HOST:PORT}. */
    public Place advertised(String clusterAddress, String linkAddress) {
      return new Place(
          id, host, inside, http, cluster, link, admin, List.of(clusterAddress, linkAddress));
    }

    /** As in {@code --join}. */
    public String joined() {
      if (advertise.isEmpty()) {
        return inside + ":" + cluster + "/" + link;
      }
      String linkAddress = advertise.get(1);
      return advertise.get(0) + "/" + linkAddress.substring(linkAddress.lastIndexOf(':') + 1);
    }
  }

  GatewayProcess(
      Place place,
      List<String> join,
      Path token,
      String heap,
      List<String> around,
      List<String> more,
      Optional<Tokens> tokens)
      throws IOException {
    super(place.id(), heap, around, arguments(place, join, token, more, tokens));
    this.place = place;
    this.callerHeaders = tokens.map(Tokens::callerHeaders).orElse(List.of());
    this.admin =
        new AdminClient(
            new Caller(
                "admin",
                new InetSocketAddress(place.host(), place.admin()),
                tokens.map(Tokens::operatorHeaders).orElse(List.of())));
  }

  private static List<String> arguments(
      Place place, List<String> join, Path token, List<String> more, Optional<Tokens> tokens) {
    List<String> all =
        new ArrayList<>(
            List.of(
                "gateway",
                "--id",
                place.id(),
                "--listen",
                place.host() + ":" + place.http(),
                "--admin-listen",
                place.host() + ":" + place.admin(),
                "--cluster-token-file",
                token.toString(),
                "--cluster-listen",
                place.inside() + ":" + place.cluster(),
                "--link-listen",
                place.inside() + ":" + place.link()));
    if (!join.isEmpty()) {
      all.addAll(List.of("--join", String.join(",", join)));
    }
    if (!place.advertise().isEmpty()) {
      all.addAll(
          List.of(
              "--cluster-advertise",
              place.advertise().get(0),
              "--link-advertise",
              place.advertise().get(1)));
    }
    tokens.ifPresent(made -> all.addAll(made.gatewayFlags()));
    for (String each : more) {
      all.add(each.equals(OWN_ADDRESS) ? place.host() + ":" + place.http() : each);
    }
    return all;
  }

  public String id() {
    return place.id();
  }

  public Place place() {
    return place;
  }

  /** For agents and callers. */
  public InetSocketAddress http() {
    return new InetSocketAddress(place.host(), place.http());
  }

  /** As in {@code --connect} of an agent. */
  public String connect() {
    return "ws://" + place.host() + ":" + place.http() + "/connect";
  }

  /** A caller who comes in here. */
  public Caller caller() {
    return new Caller(id(), http(), callerHeaders);
  }

  /** Starts it again after its death, with the same id and ports; returns when it is ready. */
  public void restart() throws IOException, InterruptedException {
    start();
    awaitReady();
  }

  /** As {@link #restart}, and does not wait. */
  public void startAgain() throws IOException {
    start();
  }

  /** Waits until {@code /readyz} says 200. */
  public void awaitReady() throws InterruptedException {
    Eventually.within(
        READY_WITHIN,
        () -> {
          if (!isAlive()) {
            throw new EndedException(id() + " ended with status " + exitStatus());
          }
          int status = caller().get("/readyz", Duration.ofSeconds(2)).status();
          if (status != 200) {
            throw new AssertionError(id() + ": /readyz is " + status);
          }
        });
  }

  private static final class EndedException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    EndedException(String message) {
      super(message);
    }
  }

  /** What an operator asks it and orders. */
  public AdminClient admin() {
    return admin;
  }

  /** A number out of its status, as {@code control.restarts}. */
  public long number(String path) throws IOException {
    JsonNode at = admin.status();
    for (String name : path.split("\\.", -1)) {
      at = at.path(name);
    }
    if (!at.isNumber()) {
      throw new IOException(id() + ": no number " + path + " in its status");
    }
    return at.asLong();
  }
}
