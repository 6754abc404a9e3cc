// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.conditions.ArchConditions.accessTargetWhere;
import static com.tngtech.archunit.lang.conditions.ArchConditions.be;
import static com.tngtech.archunit.lang.conditions.ArchConditions.dependOnClassesThat;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noMethods;
import static com.tngtech.archunit.library.GeneralCodingRules.NO_CLASSES_SHOULD_THROW_GENERIC_EXCEPTIONS;
import static com.tngtech.archunit.library.GeneralCodingRules.NO_CLASSES_SHOULD_USE_JAVA_UTIL_LOGGING;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.core.importer.Location;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The shape of the product: which package may know which, and what all of them have in common. */
@AnalyzeClasses(packages = "dev.meshcni", importOptions = ArchitectureTest.Production.class)
final class ArchitectureTest {
    private static final String API = "dev.meshcni.api..";
    private static final String CORE = "dev.meshcni.core..";
    private static final String NETNS_LINUX = "dev.meshcni.netns.linux..";
    private static final String NETLINK = "dev.meshcni.netlink..";
    private static final String NFTABLES = "dev.meshcni.nftables..";
    private static final String LIBC = "dev.meshcni.libc..";
    private static final String HOST_LINUX = "dev.meshcni.host.linux..";
    private static final String PLUGIN = "dev.meshcni.plugin..";

    /** The redirection engine and what it is made of: no Linux, no Kubernetes, no native code. */
    private static final String[] PURE = {
        CORE, "dev.meshcni.trace..", "dev.meshcni.redirect..", "dev.meshcni.netfilter..", "dev.meshcni.rules..", API
    };

    private static final String[] PROGRAMS = {
        "dev.meshcni.cli..",
        "dev.meshcni.demo..",
        "dev.meshcni.iptables..",
        "dev.meshcni.doctor..",
        "dev.meshcni.manifest..",
        "dev.meshcni.daemon..",
        "dev.meshcni.repair..",
        "dev.meshcni.enrolment..",
        "dev.meshcni.install..",
        "dev.meshcni.kubernetes..",
        "dev.meshcni.telemetry..",
        "dev.meshcni.http..",
        "dev.meshcni.config..",
        "dev.meshcni.usage..",
        "dev.meshcni.files.."
    };

    private static final int MOST_CLASSES_OF_A_PACKAGE = 30;

    private static final Rooms ROOMS = Rooms.ofContributing();

    @ArchTest
    static final ArchRule arrowsBetweenPackagesPointDownTheTableOfContributing = classes()
            .should(new ArchCondition<>("depend only on packages below their own") {
                @Override
                public void check(JavaClass type, ConditionEvents events) {
                    type.getDirectDependenciesFromSelf().stream()
                            .filter(dependency -> ROOMS.pointsUp(
                                    type.getPackageName(),
                                    dependency
                                            .getTargetClass()
                                            .getBaseComponentType()
                                            .getPackageName()))
                            .forEach(dependency ->
                                    events.add(SimpleConditionEvent.violated(type, dependency.getDescription())));
                }
            });

    @ArchTest
    static final ArchRule noPackagesDependOnEachOtherInACircle = slices().assignedFrom(new SliceAssignment() {
                @Override
                public SliceIdentifier getIdentifierOf(JavaClass type) {
                    return SliceIdentifier.of(type.getPackageName());
                }

                @Override
                public String getDescription() {
                    return "packages";
                }
            })
            .should()
            .beFreeOfCycles();

    @ArchTest
    static void everyPackageIsInTheTableOfContributingAndTheOtherWayRound(JavaClasses classes) {
        assertThat(packages(classes).keySet()).containsExactlyInAnyOrderElementsOf(ROOMS.packages());
    }

    @ArchTest
    static void noPackageHoldsMoreThanThirtyClasses(JavaClasses classes) {
        assertThat(packages(classes))
                .allSatisfy((name, count) -> assertThat(count).as(name).isLessThanOrEqualTo(MOST_CLASSES_OF_A_PACKAGE));
    }

    @ArchTest
    static final ArchRule pluginKnowsNothingThatCannotBeCompiledWithoutAJvm = classes()
            .that()
            .resideInAPackage(PLUGIN)
            .should()
            .onlyDependOnClassesThat()
            .resideInAnyPackage(
                    PLUGIN,
                    CORE,
                    "dev.meshcni.redirect..",
                    "dev.meshcni.rules..",
                    API,
                    HOST_LINUX,
                    "java.lang..",
                    "java.io..",
                    "java.util",
                    "java.util.function",
                    "java.nio..",
                    "org.teavm.interop..");

    @ArchTest
    static final ArchRule apiKnowsNothingButJacksonAndTheJdk = classes()
            .that()
            .resideInAPackage(API)
            .should()
            .onlyDependOnClassesThat()
            .resideInAnyPackage(API, "java..", "com.fasterxml.jackson..");

    @ArchTest
    static final ArchRule theEngineKnowsNothingButItselfJacksonAndTheJdk = classes()
            .that()
            .resideInAnyPackage(PURE)
            .should()
            .onlyDependOnClassesThat()
            .resideInAnyPackage(with(PURE, "java..", "com.fasterxml.jackson.."));

    @ArchTest
    static final ArchRule theEngineTouchesNoNetworkNoProcessAndNoFile = noClasses()
            .that()
            .resideInAnyPackage(PURE)
            .and()
            .resideOutsideOfPackage(API)
            .should(dependOnClassesThat(touchTheWorld()));

    @ArchTest
    static final ArchRule netlinkKnowsNothingButTheJdk = classes()
            .that()
            .resideInAPackage(NETLINK)
            .should()
            .onlyDependOnClassesThat()
            .resideInAnyPackage(NETLINK, "java..");

    @ArchTest
    static final ArchRule whatWritesAndReadsMessagesTouchesNoKernel =
            noClasses().that().resideInAnyPackage(NETLINK, NFTABLES).should(dependOnClassesThat(touchTheWorld()));

    @ArchTest
    static final ArchRule onlyTheLinuxModulesUseNativeCode = noClasses()
            .that()
            .resideOutsideOfPackages(LIBC, HOST_LINUX)
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("com.sun.jna..", "java.lang.foreign..");

    @ArchTest
    static final ArchRule hostLinuxKnowsNothingButTheJdk = classes()
            .that()
            .resideInAPackage(HOST_LINUX)
            .should()
            .onlyDependOnClassesThat()
            .resideInAnyPackage(HOST_LINUX, "java..", "jdk.net..");

    @ArchTest
    static final ArchRule onlyTheRoomsOfKubernetesKnowItsClient = noClasses()
            .that()
            .resideOutsideOfPackages(
                    "dev.meshcni.doctor",
                    "dev.meshcni.manifest",
                    "dev.meshcni.repair",
                    "dev.meshcni.enrolment",
                    "dev.meshcni.kubernetes")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("io.fabric8..");

    @ArchTest
    static final ArchRule onlyProgramsParseCommandLines = noClasses()
            .that()
            .resideOutsideOfPackages(PROGRAMS)
            .should()
            .dependOnClassesThat()
            .resideInAPackage("picocli..");

    @ArchTest
    static final ArchRule onlyProgramsKnowWhichLoggerWrites = noClasses()
            .that()
            .resideOutsideOfPackages(PROGRAMS)
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("org.slf4j..", "ch.qos.logback..");

    @ArchTest
    static final ArchRule onlyProgramsUseTheStandardStreams = noClasses()
            .that()
            .resideOutsideOfPackages(PROGRAMS)
            .and()
            // What makes a program of another's plugin.
            .doNotHaveFullyQualifiedName("dev.meshcni.api.CniPlugin")
            .and()
            .doNotHaveFullyQualifiedName("dev.meshcni.api.PluginCall")
            .should()
            .accessField(System.class, "out")
            .orShould()
            .accessField(System.class, "err");

    @ArchTest
    static final ArchRule nobodyUsesJavaUtilLogging = NO_CLASSES_SHOULD_USE_JAVA_UTIL_LOGGING;

    @ArchTest
    static final ArchRule failuresHaveTypesOfTheirOwn = NO_CLASSES_SHOULD_THROW_GENERIC_EXCEPTIONS;

    /**
     * A clock that is set back must not make anything wait: what waits uses System.nanoTime. Some of these stamp what
     * others read, the others compare with the expiry that others have stamped.
     */
    @ArchTest
    static final ArchRule onlyWhatPeopleReadHasTheTimeOfDay = noClasses()
            .that()
            .doNotHaveFullyQualifiedName("dev.meshcni.kubernetes.KubernetesApi")
            .and()
            .doNotHaveFullyQualifiedName("dev.meshcni.plugin.DecisionLog")
            .and()
            .doNotHaveFullyQualifiedName("dev.meshcni.http.HttpAnswer")
            .and()
            .doNotHaveFullyQualifiedName("dev.meshcni.kubeconfig.ExecToken")
            .and()
            .doNotHaveFullyQualifiedName("dev.meshcni.kubeconfig.AuthProvider")
            .should(accessTargetWhere(describe("it tells the time of day", ArchitectureTest::tellsTheTimeOfDay)));

    @ArchTest
    static final ArchRule spiHoldsPublicInterfacesAndWhatTheyTakeGiveAndThrow = classes()
            .that()
            .resideInAPackage("..spi")
            .and()
            .areTopLevelClasses()
            .should()
            .bePublic()
            .andShould(be(describe("interfaces, records, enums or exceptions", ArchitectureTest::isContract)));

    @ArchTest
    static final ArchRule publicFieldsAreConstants =
            fields().that().arePublic().should().beStatic().andShould().beFinal();

    @ArchTest
    static final ArchRule accessorsCarryNoVerb = noMethods()
            .that()
            .arePublic()
            .and()
            .areDeclaredInClassesThat(resideInAnyPackage(with(PURE, NETLINK, NFTABLES, LIBC, NETNS_LINUX, HOST_LINUX)))
            .should()
            .haveNameMatching("get[A-Z].*");

    @ArchTest
    static final ArchRule namesAreThoseOfTheField =
            noClasses().should().haveNameMatching(".*(Util|Utils|Helper|Manager|Impl)(\\$.*)?");

    private ArchitectureTest() {}

    /** Classes of the product, without tests and without the program that assembles the distribution. */
    static final class Production implements ImportOption {
        @Override
        public boolean includes(Location location) {
            return !location.contains("/test-classes/")
                    && !location.contains("/dist/target/")
                    && !location.contains("/testkit/")
                    && !location.contains("cni-testkit")
                    && !location.contains("/dev/meshcni/dist/")
                    && !location.contains("-tests.jar");
        }
    }

    private static Map<String, Long> packages(JavaClasses classes) {
        return classes.stream()
                .filter(JavaClass::isTopLevelClass)
                .collect(Collectors.groupingBy(JavaClass::getPackageName, Collectors.counting()));
    }

    private static String[] with(String[] packages, String... more) {
        return Stream.of(packages, more).flatMap(Stream::of).toArray(String[]::new);
    }

    private static boolean isContract(JavaClass type) {
        return type.isInterface() || type.isRecord() || type.isEnum() || type.isAssignableTo(Throwable.class);
    }

    /** The time of day is what somebody may set; called, or referred to by a method reference. */
    private static boolean tellsTheTimeOfDay(JavaAccess<?> access) {
        String owner = access.getTargetOwner().getFullName();
        String name = access.getTarget().getName();
        return switch (owner) {
            case "java.lang.System" -> name.equals("currentTimeMillis");
            case "java.util.Date", "java.util.Calendar", "java.util.GregorianCalendar" -> true;
            case "java.time.Clock" -> true;
            case "java.time.InstantSource" -> name.equals("system");
            default -> owner.startsWith("java.time.") && name.equals("now");
        };
    }

    /** Addresses as values are fine, and so are channels that somebody else has opened. */
    private static DescribedPredicate<JavaClass> touchTheWorld() {
        return describe("open sockets, start processes or open files", type -> switch (type.getFullName()) {
            case "java.net.Socket",
                    "java.net.ServerSocket",
                    "java.net.DatagramSocket",
                    "java.net.URLConnection",
                    "java.net.NetworkInterface",
                    "java.nio.channels.SocketChannel",
                    "java.nio.channels.ServerSocketChannel",
                    "java.nio.channels.DatagramChannel",
                    "java.nio.channels.FileChannel",
                    "java.lang.Process",
                    "java.lang.ProcessBuilder",
                    "java.lang.ProcessHandle",
                    "java.lang.Runtime",
                    "java.nio.file.Files",
                    "java.io.File",
                    "java.io.FileInputStream",
                    "java.io.FileOutputStream",
                    "java.io.RandomAccessFile" -> true;
            default -> type.getPackageName().startsWith("java.net.http");
        });
    }
}
