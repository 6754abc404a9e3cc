// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The least that a plugin can cost: a static program in C that reads its input, asks the agent and prints its answer,
 * or prints what VERSION does, and looks at nothing on the way. It is compiled with the compiler of the plugin.
 */
final class StaticClient {
    private static final String SOURCE = """
            #include <arpa/inet.h>
            #include <stdlib.h>
            #include <string.h>
            #include <sys/socket.h>
            #include <sys/un.h>
            #include <unistd.h>

            extern char **environ;
            static char input[1 << 16], frame[1 << 17], reply[1 << 16];

            static size_t number(size_t at, size_t value) {
                unsigned int big = htonl(value);
                memcpy(frame + at, &big, 4);
                return at + 4;
            }

            int main(int argc, char **argv) {
                size_t length = 0, at = 9;
                ssize_t got;
                while ((got = read(0, input + length, sizeof input - length)) > 0) length += got;
                if (strcmp(getenv("CNI_COMMAND"), "VERSION") == 0) {
                    static const char version[] =
                        "{\\"cniVersion\\":\\"1.1.0\\",\\"supportedVersions\\":[\\"0.1.0\\",\\"1.1.0\\"]}";
                    write(1, version, sizeof version - 1);
                    return 0;
                }
                struct sockaddr_un address = {.sun_family = AF_UNIX};
                strcpy(address.sun_path, argv[1]);
                int agent = socket(AF_UNIX, SOCK_STREAM, 0);
                if (connect(agent, (struct sockaddr *) &address, sizeof address) != 0) return 1;
                memcpy(frame, "mcni\\1", 5);
                for (char **variable = environ; *variable; variable++) {
                    if (strncmp(*variable, "CNI_", 4) == 0) {
                        size_t size = strlen(*variable) + 1;
                        memcpy(frame + at, *variable, size);
                        at += size;
                    }
                }
                number(5, at - 9);
                at = number(at, length);
                memcpy(frame + at, input, length);
                if (write(agent, frame, at + length) < 0) return 1;
                length = 0;
                while ((got = read(agent, reply + length, sizeof reply - length)) > 0) length += got;
                write(1, reply + 10, length - 10);
                return reply[5];
            }
            """;

    private final Path program;
    private final Path socket;

    private StaticClient(Path program, Path socket) {
        this.program = program;
        this.socket = socket;
    }

    static StaticClient make(Path directory, Path socket) throws IOException {
        Path source = Files.writeString(directory.resolve("client.c"), SOURCE, UTF_8);
        Path program = directory.resolve("client");
        String compiler = Stream.of(System.getenv("PATH").split(":"))
                .map(path -> Path.of(path, "musl-gcc"))
                .filter(Files::isExecutable)
                .map(Path::toString)
                .findFirst()
                .orElseThrow(() -> new BenchException("the client in C needs musl-gcc"));
        new ChildProcess(
                        List.of(compiler, "-Os", "-static", "-s", "-w", source.toString(), "-o", program.toString()),
                        Map.of("PATH", System.getenv("PATH")),
                        Path.of("/dev/null"))
                .run();
        return new StaticClient(program, socket);
    }

    List<String> command() {
        return List.of(program.toString(), socket.toString());
    }
}
