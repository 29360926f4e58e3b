package dev.warren.peer.link;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.peer.GatewayIdentity;
import dev.warren.protocol.Incarnation;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Where gateways may be, and when they are looked for. Time is passed; names are the test's. */
class AddressesTest {
  private static final GatewayIdentity PEER = new GatewayIdentity("p", new Incarnation(1, 1));

  private final Map<String, byte[][]> names = new ConcurrentHashMap<>();
  private final BlockingQueue<Runnable> steps = new LinkedBlockingQueue<>();
  private final SplittableRandom random = new SplittableRandom(1);
  private long now = -Duration.ofHours(1).toNanos(); // any number may be the first
  private Addresses addresses = addresses();

  private Addresses addresses(String... given) {
    List<JoinAddress> all = new ArrayList<>();
    for (String name : given) {
      all.add(new JoinAddress(name, 7_500));
    }
    return new Addresses(all, steps::add, this::find, () -> now);
  }

  private InetAddress[] find(String host) throws UnknownHostException {
    byte[][] found = names.get(host);
    if (found == null) {
      throw new UnknownHostException(host);
    }
    InetAddress[] all = new InetAddress[found.length];
    for (int i = 0; i < all.length; i++) {
      all[i] = InetAddress.getByAddress(found[i]);
    }
    return all;
  }

  private static byte[] ip(int last) {
    return new byte[] {10, 0, (byte) (last >> 8), (byte) last};
  }

  /** One look at the clock, with the answers to so many names. */
  private void tick(int answers) throws InterruptedException {
    addresses.tick(now);
    for (int i = 0; i < answers; i++) {
      Runnable step = steps.poll(20, TimeUnit.SECONDS);
      if (step == null) {
        throw new AssertionError("no answer for a name within 20 s");
      }
      step.run();
    }
    assertTrue(steps.isEmpty());
  }

  private List<String> due() {
    return addresses.due(now).stream()
        .map(address -> address.socket().getAddress().getHostAddress())
        .toList();
  }

  private void pass(Duration time) {
    now += time.toNanos();
  }

  @AfterEach
  void close() {
    addresses.close();
  }

  @Test
  void aNameThatIsMissingIsLookedUpAgainAndAgain() throws InterruptedException {
    addresses = addresses("gateways");
    tick(1);
    assertEquals(List.of(), due());
    pass(Addresses.RESOLVE_EVERY.minusNanos(1));
    tick(0);
    names.put("gateways", new byte[][] {ip(1), ip(2)});
    pass(Duration.ofNanos(1));
    tick(1);
    assertEquals(List.of("10.0.0.1", "10.0.0.2"), due());
  }

  @Test
  void theAddressesOfANameFollowItAndStayWhileItIsMissing() throws InterruptedException {
    addresses = addresses("gateways");
    names.put("gateways", new byte[][] {ip(1), ip(2)});
    tick(1);
    names.put("gateways", new byte[][] {ip(2), ip(3)});
    pass(Addresses.RESOLVE_EVERY);
    tick(1);
    assertEquals(List.of("10.0.0.2", "10.0.0.3"), due());
    names.remove("gateways");
    pass(Addresses.RESOLVE_EVERY);
    tick(1);
    assertEquals(List.of("10.0.0.2", "10.0.0.3"), due());
  }

  @Test
  void anAddressNeedsNoNameServer() throws InterruptedException {
    addresses = addresses("192.0.2.7", "::1");
    tick(0);
    assertEquals(List.of("192.0.2.7", "0:0:0:0:0:0:0:1"), due());
  }

  @Test
  void whereNobodyIsItIsTriedAgainSoonAndThenEveryTwoSecondsAtMost() throws InterruptedException {
    addresses = addresses("192.0.2.7");
    tick(0);
    Addresses.Address address = addresses.due(now).get(0);
    Map<Integer, long[]> expected = new HashMap<>();
    expected.put(0, new long[] {50, 100});
    expected.put(1, new long[] {100, 200});
    expected.put(2, new long[] {200, 400});
    for (int i = 0; i < 100; i++) {
      address.dialling();
      assertEquals(List.of(), due());
      address.failed(now, random);
      long[] range = expected.getOrDefault(i, new long[] {i < 5 ? 400 : 1_000, 2_000});
      pass(Duration.ofMillis(range[0]).minusNanos(1));
      assertEquals(List.of(), due(), "try " + i);
      pass(Duration.ofMillis(range[1] - range[0]).plusNanos(1));
      assertEquals(1, due().size(), "try " + i);
    }
  }

  @Test
  void aFindDoesNotEndTheWaitingButALinkDoes() throws InterruptedException {
    addresses = addresses("192.0.2.7");
    tick(0);
    Addresses.Address address = addresses.due(now).get(0);
    assertNull(address.leadsTo());
    for (int i = 0; i < 10; i++) { // found, and refused
      address.found(PEER, now, Duration.ZERO);
      address.failed(now, random);
    }
    assertEquals(PEER, address.leadsTo());
    pass(Duration.ofMillis(999));
    assertEquals(List.of(), due());
    address.good();
    address.failed(now, random);
    pass(Duration.ofMillis(100));
    assertEquals(1, due().size());
  }

  @Test
  void whatPeersToldIsKeptForADayAfterItWasOfUseAndWhatTheOperatorGaveForEver()
      throws InterruptedException {
    addresses = addresses("192.0.2.1");
    addresses.learn(new JoinAddress("192.0.2.2", 1), now);
    tick(0);
    pass(Duration.ofHours(23));
    addresses.learn(new JoinAddress("192.0.2.2", 1), now); // a link to it is up
    pass(Addresses.KEPT);
    tick(0);
    assertEquals(List.of("192.0.2.1", "192.0.2.2"), due());
    pass(Duration.ofNanos(1));
    tick(0);
    assertEquals(List.of("192.0.2.1"), due());
    assertEquals(1, addresses.names());
  }

  @Test
  void ofTooManyNamesTheOneThatWasOfNoUseForLongestMakesRoom() throws InterruptedException {
    addresses = addresses("192.0.2.1");
    for (int i = 1; i < Addresses.MAX_NAMES; i++) {
      addresses.learn(new JoinAddress("10.1.0." + i, 1), now);
    }
    tick(0);
    addresses.learn(new JoinAddress("10.2.0.1", 1), now);
    tick(0);
    assertEquals(Addresses.MAX_NAMES, due().size(), "all were of use just now");
    pass(Addresses.IN_USE);
    for (int i = 2; i < Addresses.MAX_NAMES; i++) {
      addresses.learn(new JoinAddress("10.1.0." + i, 1), now);
    }
    addresses.learn(new JoinAddress("10.2.0.1", 1), now);
    tick(0);
    List<String> due = due();
    assertEquals(Addresses.MAX_NAMES, addresses.names());
    assertTrue(due.contains("10.2.0.1") && !due.contains("10.1.0.1"), due::toString);
    assertTrue(due.contains("192.0.2.1"), "the operator's");
  }

  @Test
  void aNameHasSoManyAddressesAndNoMore() throws InterruptedException {
    addresses = addresses("gateways");
    byte[][] many = new byte[Addresses.MAX_OF_NAME + 5][];
    for (int i = 0; i < many.length; i++) {
      many[i] = ip(i);
    }
    names.put("gateways", many);
    tick(1);
    assertEquals(Addresses.MAX_OF_NAME, due().size());
  }
}
