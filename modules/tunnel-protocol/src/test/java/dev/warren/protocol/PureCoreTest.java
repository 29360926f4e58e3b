package dev.warren.protocol;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** The core knows no socket, no thread and no clock: bytes and the time go in. */
class PureCoreTest {
  private static final String[] CORE = {
    "dev.warren.protocol.frame..",
    "dev.warren.protocol.flow..",
    "dev.warren.protocol.mux..",
    "dev.warren.protocol.relay..",
    "dev.warren.protocol.remotedialer.."
  };

  private static final JavaClasses CLASSES =
      new ClassFileImporter().importPath(Path.of("target/classes"));

  @Test
  void coreKnowsNoSockets() {
    noClasses()
        .that()
        .resideInAnyPackage(CORE)
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "io.netty.channel..",
            "io.netty.handler..",
            "java.net..",
            "java.nio.channels..",
            "java.io..",
            "org.slf4j..",
            "dev.warren.protocol.channel..")
        .check(CLASSES);
  }

  @Test
  void coreStartsNoThreads() {
    noClasses()
        .that()
        .resideInAnyPackage(CORE)
        .should()
        .dependOnClassesThat()
        .haveNameMatching(
            "java\\.lang\\.Thread|java\\.util\\.Timer.*|java\\.util\\.concurrent\\.(?!atomic\\.).*")
        .check(CLASSES);
  }

  @Test
  void coreReadsNoClock() {
    noClasses()
        .that()
        .resideInAnyPackage(CORE)
        .should()
        .callMethod(System.class, "nanoTime")
        .orShould()
        .callMethod(System.class, "currentTimeMillis")
        .orShould()
        .dependOnClassesThat()
        .haveNameMatching("java\\.time\\.(Clock|Instant|LocalDate.*|ZonedDateTime)")
        .check(CLASSES);
  }

  @Test
  void generatedClassesStopAtTheCodec() {
    noClasses()
        .that()
        .resideOutsideOfPackages("dev.warren.protocol.frame..", "dev.warren.protocol.wire..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("dev.warren.protocol.wire..", "com.google.protobuf..")
        .check(CLASSES);
  }
}
