package dev.warren.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class SessionSettingsTest {
  @Test
  void aWrongValueIsRefusedWithItsName() {
    IllegalArgumentException refusal =
        assertThrows(
            IllegalArgumentException.class,
            () -> SessionSettings.DEFAULT.withForgetAfter(Duration.ZERO));
    assertEquals("forget-after: PT0S (expected: above 0)", refusal.getMessage());
  }

  @Test
  void theShardingConfigWinsOverPekkosOwn() {
    Config sharding =
        SessionSettings.shardingConfig()
            .withFallback(ConfigFactory.load())
            .getConfig("pekko.cluster.sharding");
    assertEquals(SessionSettings.DEFAULT.numberOfShards(), sharding.getInt("number-of-shards"));
    assertEquals("none", sharding.getString("passivation.strategy"));
    assertFalse(sharding.getBoolean("remember-entities"));
    assertEquals(Duration.ofMillis(500), sharding.getDuration("retry-interval"));
    assertEquals(2, sharding.getInt("distributed-data.majority-min-cap"));
  }

  @Test
  void everyKeyOfTheShardingConfigIsOneThatPekkoKnows() {
    Config pekko = ConfigFactory.load();
    SessionSettings.shardingConfig()
        .entrySet()
        .forEach(entry -> assertTrue(pekko.hasPathOrNull(entry.getKey()), entry.getKey()));
  }

  @Test
  void javaSerializationIsOffAndOursIsBound() {
    Config actor = ConfigFactory.load().getConfig("pekko.actor");
    assertFalse(actor.getBoolean("allow-java-serialization"));
    assertEquals(
        "warren-session",
        actor.getString("serialization-bindings.\"" + SessionMessage.class.getName() + "\""));
  }
}
