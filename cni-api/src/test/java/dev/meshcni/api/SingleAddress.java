// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/** An IPAM plugin that has one address; a file says whether it is taken. */
public final class SingleAddress implements CniPlugin {
    private final Path taken;

    private SingleAddress(Path taken) {
        this.taken = taken;
    }

    /** Serves a call; the argument is the file. */
    public static void main(String[] args) {
        CniPlugin.run(new SingleAddress(Path.of(args[0])));
    }

    @Override
    public CniResult add(CniRequest request) throws IOException {
        try {
            Files.createFile(taken);
        } catch (FileAlreadyExistsException e) {
            throw new CniException(ErrorCode.TRY_AGAIN_LATER, "10.231.9.2 is taken", "", e);
        }
        CniResult.Ip address = new CniResult.Ip(
                IpNet.parse("10.231.9.2/24"),
                Optional.of(InetAddress.getByAddress(new byte[] {10, (byte) 231, 9, 1})),
                OptionalInt.empty(),
                Map.of());
        return CniResult.EMPTY
                .withIps(List.of(address))
                .withRoutes(List.of(CniResult.Route.of(IpNet.parse("0.0.0.0/0"), Optional.empty())));
    }

    @Override
    public void check(CniRequest request) {
        if (!Files.exists(taken)) {
            throw new CniException(ErrorCode.INTERNAL, "10.231.9.2 is not taken", "");
        }
    }

    @Override
    public void del(CniRequest request) throws IOException {
        Files.deleteIfExists(taken);
    }
}
