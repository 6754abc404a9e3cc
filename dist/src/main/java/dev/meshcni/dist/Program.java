package dev.meshcni.dist;

import static java.util.Objects.requireNonNull;

import java.util.List;

/**
 * A program of the distribution.
 *
 * @param fileName the name of its launcher in {@code bin/}
 * @param mainClass module, slash, class
 * @param modulePath whether it needs modules outside the run-time image
 * @param options the JVM options that it runs with
 */
record Program(String fileName, String mainClass, boolean modulePath, List<String> options) {
    /** Automatic modules cannot say which named modules they need, so nothing else would resolve those. */
    private static final String ALL_MODULES = "--add-modules=ALL-MODULE-PATH";

    static final Program ISTIO_CNI = new Program(
            "istio-cni",
            "dev.meshcni.cli/dev.meshcni.cli.IstioCni",
            false,
            List.of(
                    "-XX:+UseSerialGC",
                    "-XX:TieredStopAtLevel=1",
                    "-Xmx16m",
                    "-XX:-UsePerfData",
                    "-XX:+DisplayVMOutputToStderr",
                    "-XX:+ErrorFileToStderr",
                    "-XX:-CreateCoredumpOnCrash"));
    static final Program INSTALL_CNI = new Program(
            "install-cni",
            "dev.meshcni.daemon/dev.meshcni.daemon.InstallCni",
            true,
            List.of(
                    "-XX:+UseSerialGC",
                    "-Xmx96m",
                    "-XX:-UsePerfData",
                    "-XX:+ExitOnOutOfMemoryError",
                    "--enable-native-access=com.sun.jna",
                    ALL_MODULES));
    static final Program MESHCNI = new Program(
            "meshcni",
            "dev.meshcni.cli/dev.meshcni.cli.Meshcni",
            true,
            List.of(
                    "-XX:+UseSerialGC",
                    "-XX:TieredStopAtLevel=1",
                    "-XX:-UsePerfData",
                    "-XX:+DisplayVMOutputToStderr",
                    "--enable-native-access=com.sun.jna",
                    ALL_MODULES));

    static final List<Program> ALL = List.of(ISTIO_CNI, INSTALL_CNI, MESHCNI);

    Program {
        requireNonNull(fileName, "fileName is null");
        requireNonNull(mainClass, "mainClass is null");
        options = List.copyOf(options);
    }
}
