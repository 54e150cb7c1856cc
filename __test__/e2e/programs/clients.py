# Python's HTTP clients behind a proxy: `clients.py NAME URL [BODY]` prints what `Got` of clients.ts is. The proxy and the certificate are in
# the environment, as their users give them.
import asyncio
import hashlib
import json
import sys


def urllib(url, body):
    import urllib.request

    with urllib.request.urlopen(url, data=body, timeout=20) as answer:
        return answer.status, answer.read()


def requests(url, body):
    import requests

    answer = requests.request('POST' if body else 'GET', url, data=body, timeout=20)
    return answer.status_code, answer.content


def httpx(url, body):
    import httpx

    answer = httpx.request('POST' if body else 'GET', url, content=body, timeout=20)
    return answer.status_code, answer.content


def aiohttp(url, body):
    import aiohttp

    async def exchange():
        # Without trust_env it reads no proxy from the environment.
        async with aiohttp.ClientSession(trust_env=True) as session:
            async with session.request('POST' if body else 'GET', url, data=body) as answer:
                return answer.status, await answer.read()

    return asyncio.run(exchange())


name, url, *rest = sys.argv[1:]
body = rest[0].encode() if rest else None
status, data = {'urllib': urllib, 'requests': requests, 'httpx': httpx, 'aiohttp': aiohttp}[name](url, body)
text = data.decode() if len(data) < 10_000 else ''
print(json.dumps({'status': status, 'bytes': len(data), 'sha256': hashlib.sha256(data).hexdigest(), 'text': text}))
