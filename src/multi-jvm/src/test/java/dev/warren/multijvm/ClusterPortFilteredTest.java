package dev.warren.multijvm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.multijvm.load.Load;
import dev.warren.multijvm.network.TcpProxy;
import dev.warren.multijvm.process.GatewayCluster;
import dev.warren.multijvm.process.GatewayProcess;
import dev.warren.multijvm.process.LogsOnFailure;
import dev.warren.multijvm.process.OriginProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A firewall lets the links pass, and not the cluster's own port. */
@ExtendWith(LogsOnFailure.class)
class ClusterPortFilteredTest {
  /** Longer than the first back-off between two tries to join. */
  private static final Duration WATCHED = Duration.ofSeconds(15);

  private final List<TcpProxy> filters = new ArrayList<>();
  private GatewayCluster cluster;

  @AfterEach
  void stop() throws Exception {
    if (cluster != null) {
      cluster.close();
    }
    for (TcpProxy filter : filters) {
      filter.close();
    }
  }

  @Test
  void theGatewaysStaySplitServeEachOtherAndDoNotRestartInCircles() throws Exception {
    OriginProcess origin = OriginProcess.shared();
    cluster = GatewayCluster.start(2, this::behindFilter);
    List<Load.Target> targets = new ArrayList<>();
    for (GatewayProcess home : cluster.all()) {
      cluster.agent("at-" + home.id(), List.of(home)).awaitUp();
      for (GatewayProcess gateway : cluster.all()) {
        targets.add(new Load.Target(gateway.caller(), origin.hello("at-" + home.id())));
      }
    }
    try (Load load = Load.start(20, targets)) {
      filters.forEach(TcpProxy::refuse);
      Eventually.within(
          Duration.ofSeconds(60),
          Duration.ofMillis(250),
          () -> {
            List<String> states = new ArrayList<>();
            for (GatewayProcess gateway : cluster.all()) {
              states.add(gateway.admin().controlState());
              assertEquals(1, gateway.admin().allMembers().size(), gateway.id() + ": members");
            }
            assertTrue(states.contains("split"), "states: " + states);
          });
      long restarts = restarts();
      Eventually.always(
          WATCHED,
          () -> {
            for (GatewayProcess gateway : cluster.all()) {
              assertEquals(1, gateway.admin().links().size(), gateway.id() + ": links");
            }
          });
      assertTrue(restarts() - restarts <= 1, (restarts() - restarts) + " restarts meanwhile");
      assertTrue(restarts() <= 4, restarts() + " restarts in all");
      filters.forEach(TcpProxy::heal);
      // The next try comes after a back-off that has doubled a few times.
      cluster.awaitOne(Duration.ofSeconds(90));
      assertEquals(List.of(), Outages.failed(load.stop()));
    }
  }

  private long restarts() throws IOException {
    long restarts = 0;
    for (GatewayProcess gateway : cluster.all()) {
      restarts += gateway.number("control.restarts");
    }
    return restarts;
  }

  private GatewayProcess.Place behindFilter(GatewayProcess.Place place) {
    try {
      TcpProxy filter = TcpProxy.to(new InetSocketAddress(place.host(), place.cluster()));
      filters.add(filter);
      return place.advertised(filter.address(), place.host() + ":" + place.link());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
