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
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.GeneralCodingRules.NO_CLASSES_SHOULD_THROW_GENERIC_EXCEPTIONS;
import static com.tngtech.archunit.library.GeneralCodingRules.NO_CLASSES_SHOULD_USE_JAVA_UTIL_LOGGING;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.core.importer.Location;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.library.Architectures;

/** The shape of the product: which module may know which, and what all of them have in common. */
@AnalyzeClasses(packages = "dev.meshcni", importOptions = ArchitectureTest.Production.class)
final class ArchitectureTest {
    private static final String API = "dev.meshcni.api..";
    private static final String CORE = "dev.meshcni.core..";
    private static final String NETNS_LINUX = "dev.meshcni.netns.linux..";
    private static final String LIBC = "dev.meshcni.libc..";
    private static final String NETLINK = "dev.meshcni.netlink..";
    private static final String NFTABLES = "dev.meshcni.nftables..";
    private static final String HOST_LINUX = "dev.meshcni.host.linux..";
    private static final String CHAIN_PTP = "dev.meshcni.chain.ptp..";
    private static final String CHAIN_CALICO = "dev.meshcni.chain.calico..";
    private static final String CHAIN_MULTUS = "dev.meshcni.chain.multus..";
    private static final String DAEMON = "dev.meshcni.daemon..";
    private static final String CLI = "dev.meshcni.cli..";
    private static final String PLUGIN = "dev.meshcni.plugin..";

    @ArchTest
    static final ArchRule arrowsBetweenModulesPointDown = modules()
            .whereLayer("cli")
            .mayNotBeAccessedByAnyLayer()
            .whereLayer("daemon")
            .mayOnlyBeAccessedByLayers("cli")
            .whereLayer("netns-linux")
            .mayOnlyBeAccessedByLayers("cli")
            .whereLayer("chain-ptp")
            .mayOnlyBeAccessedByLayers("cli")
            .whereLayer("chain-calico")
            .mayOnlyBeAccessedByLayers("cli")
            .whereLayer("chain-multus")
            .mayOnlyBeAccessedByLayers("cli")
            .whereLayer("netlink")
            .mayOnlyBeAccessedByLayers("nftables", "libc", "netns-linux", "cli")
            .whereLayer("libc")
            .mayOnlyBeAccessedByLayers("netns-linux", "cli")
            .whereLayer("nftables")
            .mayOnlyBeAccessedByLayers("netns-linux", "cli")
            .whereLayer("host-linux")
            .mayOnlyBeAccessedByLayers("daemon", "cli", "plugin")
            .whereLayer("plugin")
            .mayNotBeAccessedByAnyLayer()
            .whereLayer("core")
            .mayOnlyBeAccessedByLayers("nftables", "libc", "netns-linux", "daemon", "cli", "plugin");

    @ArchTest
    static final ArchRule noPackagesDependOnEachOtherInACircle =
            slices().matching("dev.meshcni.(*)..").should().beFreeOfCycles();

    @ArchTest
    static final ArchRule everyClassIsInThePackageOfAModule = classes()
            .should()
            .resideInAnyPackage(
                    "dev.meshcni.api",
                    "dev.meshcni.api.spi",
                    "dev.meshcni.core",
                    "dev.meshcni.core.spi",
                    "dev.meshcni.netns.linux",
                    "dev.meshcni.netlink",
                    "dev.meshcni.libc",
                    "dev.meshcni.nftables",
                    "dev.meshcni.host.linux",
                    "dev.meshcni.chain.ptp",
                    "dev.meshcni.chain.calico",
                    "dev.meshcni.chain.multus",
                    "dev.meshcni.daemon",
                    "dev.meshcni.plugin",
                    "dev.meshcni.cli");

    @ArchTest
    static final ArchRule pluginKnowsNothingThatCannotBeCompiledWithoutAJvm = classes()
            .that()
            .resideInAPackage(PLUGIN)
            .should()
            .onlyDependOnClassesThat()
            .resideInAnyPackage(
                    PLUGIN,
                    CORE,
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
    static final ArchRule coreKnowsNothingButApiJacksonAndTheJdk = classes()
            .that()
            .resideInAPackage(CORE)
            .should()
            .onlyDependOnClassesThat()
            .resideInAnyPackage(CORE, API, "java..", "com.fasterxml.jackson..");

    @ArchTest
    static final ArchRule coreTouchesNoNetworkNoProcessAndNoFile =
            noClasses().that().resideInAPackage(CORE).should(dependOnClassesThat(touchTheWorld()));

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
    static final ArchRule onlyTheDaemonKnowsKubernetes = noClasses()
            .that()
            .resideOutsideOfPackage(DAEMON)
            .should()
            .dependOnClassesThat()
            .resideInAPackage("io.fabric8..");

    @ArchTest
    static final ArchRule onlyProgramsParseCommandLines = noClasses()
            .that()
            .resideOutsideOfPackages(DAEMON, CLI)
            .should()
            .dependOnClassesThat()
            .resideInAPackage("picocli..");

    @ArchTest
    static final ArchRule onlyProgramsKnowWhichLoggerWrites = noClasses()
            .that()
            .resideOutsideOfPackages(DAEMON, CLI)
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("org.slf4j..", "ch.qos.logback..");

    @ArchTest
    static final ArchRule onlyProgramsUseTheStandardStreams = noClasses()
            .that()
            .resideOutsideOfPackages(DAEMON, CLI)
            .should()
            .accessField(System.class, "out")
            .orShould()
            .accessField(System.class, "err");

    @ArchTest
    static final ArchRule nobodyUsesJavaUtilLogging = NO_CLASSES_SHOULD_USE_JAVA_UTIL_LOGGING;

    @ArchTest
    static final ArchRule failuresHaveTypesOfTheirOwn = NO_CLASSES_SHOULD_THROW_GENERIC_EXCEPTIONS;

    /** A clock that is set back must not make anything wait: what waits uses System.nanoTime. These three stamp what others read. */
    @ArchTest
    static final ArchRule onlyWhatPeopleReadHasTheTimeOfDay = noClasses()
            .that()
            .doNotHaveFullyQualifiedName("dev.meshcni.daemon.KubernetesApi")
            .and()
            .doNotHaveFullyQualifiedName("dev.meshcni.plugin.WithoutAgent")
            .and()
            .doNotHaveFullyQualifiedName("dev.meshcni.daemon.HttpAnswer")
            .should(accessTargetWhere(describe("it tells the time of day", ArchitectureTest::tellsTheTimeOfDay)));

    @ArchTest
    static final ArchRule spiHoldsPublicInterfacesAndTheValuesTheyTake = classes()
            .that()
            .resideInAPackage("..spi")
            .should()
            .bePublic()
            .andShould(be(describe("interfaces, records or enums", ArchitectureTest::isContract)));

    @ArchTest
    static final ArchRule publicFieldsAreConstants =
            fields().that().arePublic().should().beStatic().andShould().beFinal();

    @ArchTest
    static final ArchRule accessorsCarryNoVerb = noMethods()
            .that()
            .arePublic()
            .and()
            .areDeclaredInClassesThat(resideInAnyPackage(API, CORE, NETLINK, NFTABLES, LIBC, NETNS_LINUX, HOST_LINUX))
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
                    && !location.contains("/dev/meshcni/dist/")
                    && !location.contains("-tests.jar");
        }
    }

    private static Architectures.LayeredArchitecture modules() {
        return layeredArchitecture()
                .consideringOnlyDependenciesInLayers()
                .layer("api")
                .definedBy(API)
                .layer("core")
                .definedBy(CORE)
                .optionalLayer("netns-linux")
                .definedBy(NETNS_LINUX)
                .optionalLayer("netlink")
                .definedBy(NETLINK)
                .optionalLayer("libc")
                .definedBy(LIBC)
                .optionalLayer("nftables")
                .definedBy(NFTABLES)
                .layer("host-linux")
                .definedBy(HOST_LINUX)
                .optionalLayer("chain-ptp")
                .definedBy(CHAIN_PTP)
                .optionalLayer("chain-calico")
                .definedBy(CHAIN_CALICO)
                .optionalLayer("chain-multus")
                .definedBy(CHAIN_MULTUS)
                .layer("plugin")
                .definedBy(PLUGIN)
                .layer("daemon")
                .definedBy(DAEMON)
                .layer("cli")
                .definedBy(CLI);
    }

    private static boolean isContract(JavaClass type) {
        return type.isInterface() || type.isRecord() || type.isEnum();
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
