package dev.warren.peer.tunnel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;

import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.channel.TunnelHandler;
import dev.warren.protocol.flow.CreditBudget;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.mux.Mux;
import dev.warren.protocol.mux.MuxSettings;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Who stays of two rivals, how long the loser is told to wait, and what is remembered. */
class SessionsTest {
  private static final SessionKey SESSION = SessionKey.of("bench-1");
  private static final StreamId SMALL = new StreamId(1, 1);
  private static final StreamId LARGE = new StreamId(2, 2);

  private long now = Duration.ofHours(1).toNanos();
  private final Sessions sessions = new Sessions(() -> now, 10);

  /** An instance of the agent, and what it was told last. */
  private final class Rival {
    private final StreamId instance;
    private final SessionKey session;
    private Frame.Rank rank = Frame.Rank.NONE;
    private GatewayTunnel tunnel;

    Rival(StreamId instance, SessionKey session) {
      this.instance = instance;
      this.session = session;
    }

    Sessions.Admission attach(long connection) {
      GatewayTunnel[] made = new GatewayTunnel[1];
      new TunnelHandler(
          Mux.Side.ACCEPTED,
          MuxSettings.DEFAULT,
          new CreditBudget(1 << 20),
          handler -> {
            made[0] =
                new GatewayTunnel(
                    "gateway",
                    "test",
                    session,
                    new InetSocketAddress("127.0.0.1", 1),
                    "",
                    sessions,
                    handler,
                    () -> {});
            return made[0];
          });
      Frame.Hello hello =
          new Frame.Hello(
              1,
              1,
              List.of(),
              session.toString(),
              instance,
              connection,
              MuxSettings.DEFAULT.limits(),
              4_000,
              rank,
              "test",
              new byte[0]);
      Sessions.Admission admission = sessions.admit(session, made[0], hello);
      if (admission instanceof Sessions.Admission.Admitted admitted) {
        tunnel = made[0];
        rank = admitted.rank();
      }
      return admission;
    }

    Sessions.Admission.Admitted attached(long connection) {
      return assertInstanceOf(Sessions.Admission.Admitted.class, attach(connection));
    }

    Sessions.Admission.Refused refused(long connection) {
      return assertInstanceOf(Sessions.Admission.Refused.class, attach(connection));
    }

    void lose() {
      sessions.lost(session, tunnel);
    }
  }

  private Rival rival(StreamId instance) {
    return new Rival(instance, SESSION);
  }

  private GatewayTunnel holder() {
    return assertInstanceOf(Sessions.Lookup.Online.class, sessions.find(SESSION)).tunnel();
  }

  @Test
  void theInstanceThatCameLaterWinsWhicheverIsLarger() {
    Rival first = rival(LARGE);
    Rival second = rival(SMALL);
    assertNull(first.attached(7).superseded());
    Sessions.Admission.Admitted won = second.attached(1);
    assertSame(first.tunnel, won.superseded());
    assertEquals(2, won.rank().epoch());
    assertSame(second.tunnel, holder());
    assertEquals(1, sessions.online());
  }

  @Test
  void theOneThatLostIsToldToWaitTwiceAsLongEachTime() {
    Rival first = rival(SMALL);
    Rival second = rival(LARGE);
    first.attached(1);
    second.attached(1);
    long[] expected = {5, 10, 20, 40, 80, 160, 300, 300, 300};
    for (int i = 0; i < expected.length; i++) {
      assertEquals(Duration.ofSeconds(expected[i]), first.refused(2 + i).retryAfter(), "try " + i);
      assertSame(second.tunnel, holder());
    }
  }

  @Test
  void theWaitStartsAnewWithANewWinnerAndNotWithAReconnectOfTheSame() {
    Rival first = rival(SMALL);
    Rival second = rival(LARGE);
    first.attached(1);
    second.attached(1);
    first.refused(2);
    second.attached(2);
    assertEquals(Duration.ofSeconds(10), first.refused(3).retryAfter());
    rival(new StreamId(3, 3)).attached(1);
    assertEquals(Duration.ofSeconds(5), first.refused(4).retryAfter());
  }

  @Test
  void aReconnectTakesItsOwnPlaceWithItsRankAndAnOlderConnectionDoesNot() {
    Rival agent = rival(SMALL);
    long epoch = agent.attached(5).rank().epoch();
    GatewayTunnel before = agent.tunnel;
    assertEquals(Duration.ZERO, agent.refused(5).retryAfter());
    assertEquals(Duration.ZERO, agent.refused(4).retryAfter());
    assertSame(before, holder());
    Sessions.Admission.Admitted again = agent.attached(6);
    assertSame(before, again.superseded());
    assertEquals(epoch, again.rank().epoch());
  }

  @Test
  void aRankThatWasNotGivenToThisInstanceCountsAsNone() {
    Rival honest = rival(SMALL);
    Rival thief = rival(LARGE);
    honest.attached(1);
    thief.rank = honest.rank; // overheard
    assertEquals(2, thief.attached(1).rank().epoch());
    Rival forger = rival(new StreamId(3, 3));
    forger.rank = new Frame.Rank(Long.MAX_VALUE - 1, 1, new byte[32]);
    assertEquals(3, forger.attached(1).rank().epoch());
  }

  @Test
  void aLoserGetsThePlaceBackOnlyWhenItIsFree() {
    Rival first = rival(SMALL);
    Rival second = rival(LARGE);
    first.attached(1);
    second.attached(1);
    first.refused(2);
    second.lose();
    assertEquals(1, first.attached(3).rank().epoch());
    assertSame(second.attach(2).getClass(), Sessions.Admission.Admitted.class);
    assertEquals(2, holder().rank().epoch());
  }

  @Test
  void theEndOfASupersededTunnelTakesNothingFromTheWinner() {
    Rival first = rival(SMALL);
    Rival second = rival(LARGE);
    first.attached(1);
    second.attached(1);
    first.lose();
    assertSame(second.tunnel, holder());
    assertEquals(1, sessions.online());
    second.lose();
    second.lose();
    assertEquals(0, sessions.online());
  }

  @Test
  void aSessionIsOfflineForTenMinutesAndThenForgotten() {
    Rival agent = rival(SMALL);
    agent.attached(1);
    agent.lose();
    now += Sessions.REMEMBERED.toNanos();
    sessions.forgetOld();
    assertInstanceOf(Sessions.Lookup.Unknown.class, sessions.find(SESSION));
    assertEquals(0, sessions.remembered());
  }

  @Test
  void aSessionIsOfflineUntilThen() {
    Rival agent = rival(SMALL);
    agent.attached(1);
    agent.lose();
    now += Sessions.REMEMBERED.toNanos() - 1;
    sessions.forgetOld();
    Sessions.Lookup.Offline offline =
        assertInstanceOf(Sessions.Lookup.Offline.class, sessions.find(SESSION));
    assertEquals(Sessions.REMEMBERED.minusNanos(1), offline.since());
    now++;
    assertInstanceOf(Sessions.Lookup.Unknown.class, sessions.find(SESSION));
  }

  @Test
  void ofTooManyTheOlderHalfIsForgottenAndNobodyWhoIsOnline() {
    rival(SMALL).attached(1);
    for (int i = 0; i <= 10; i++) {
      Rival agent = new Rival(SMALL, SessionKey.of("gone-" + i));
      agent.attached(1);
      now++;
      agent.lose();
      assertEquals(i < 10 ? i + 1 : 5, sessions.remembered());
    }
    assertInstanceOf(Sessions.Lookup.Unknown.class, sessions.find(SessionKey.of("gone-5")));
    assertInstanceOf(Sessions.Lookup.Offline.class, sessions.find(SessionKey.of("gone-6")));
    assertEquals(1, sessions.online());
    assertEquals(1, sessions.tunnels().size());
  }
}
